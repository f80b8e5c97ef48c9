/**
 * Carries out erasures: takes what people wrote out of the store, and out of a log that can be rewritten, and says what it
 * removed and what is left where until when.
 *
 * The request is a record. A group reads it, so that one replica carries it out; a kill repeats it, which removes the same.
 * Writers read the list of erasures before each batch, at most `FOLLOW_MS` late, and leave out what it names.
 */
import {
  cleanRecord,
  ErasureList,
  FOLLOW_MS,
  nameHash,
  subjectHash,
  TEXT_TOPICS,
  type ErasureFollower,
} from "@plumbline/erasure";
import {
  type Clock,
  type EventLog,
  type Gap,
  type LogRecord,
  readEvent,
  type Store,
  writeEvent,
} from "@plumbline/ports";
import { notOk, ok } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import {
  counted,
  DAY_MS,
  ERASED_CALLS_MAX,
  type ErasedPlace,
  ErasureEvent,
  type ErasureRequested,
  ERASURES_TOPIC,
  type Topic,
  TOPICS,
} from "@plumbline/schemas";

const GROUP = "eraser";
/** A writer may hold a batch that it prepared before it knew of the request. */
const SETTLE_MS = 3 * FOLLOW_MS;
const RETRY_MS = 5_000;

/** Replaces the values of records for which `change` gives another one. @returns how many */
type RewriteLog = (
  topic: Topic,
  change: (record: LogRecord) => Uint8Array | null,
  options: { readonly isDryRun: boolean },
) => Promise<number>;

interface EraserDeps {
  readonly log: Pick<EventLog, "append" | "subscribe" | "commit">;
  readonly store: Pick<
    Store,
    "findCallsToErase" | "countTexts" | "eraseTexts" | "findNamesToErase" | "rewriteIncidents"
  >;
  readonly erasures: ErasureFollower;
  /** Null for a log whose records can't be changed. */
  readonly rewriteLog: RewriteLog | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createEraser(deps: EraserDeps): Service {
  const { log, store, erasures, rewriteLog, clock, logger } = deps;
  /** Requests that failed at their last attempt, with what failed. */
  const failing = new Map<string, string>();

  async function append(event: ErasureEvent): Promise<void> {
    await log.append(ERASURES_TOPIC, [{ key: event.erasure_id, value: writeEvent(event) }]);
  }

  async function carryOut(request: ErasureRequested, signal: AbortSignal): Promise<void> {
    await clock.sleep(SETTLE_MS, signal);
    await erasures.catchUp();
    if (signal.aborted || erasures.list.get(request.erasure_id)?.places !== null) return;
    const { tenant, kind, subject_hash, is_dry_run, at, erasure_id } = request;
    const calls = await store.findCallsToErase({ tenant, kind, subject_hash, until: at });
    const names = await store.findNamesToErase({ tenant, call_ids: calls });
    if (!is_dry_run) {
      for (let i = 0; i < calls.length; i += ERASED_CALLS_MAX) {
        const some = calls.slice(i, i + ERASED_CALLS_MAX);
        const call_hashes = some.map((id) => subjectHash(tenant, "call", id));
        await append({ type: "calls", erasure_id, call_hashes });
      }
      // Before the calls lose them: a repetition after a kill would find none.
      for (let i = 0; i < names.length; i += ERASED_CALLS_MAX) {
        const some = names.slice(i, i + ERASED_CALLS_MAX);
        const name_hashes = some.flatMap((name) => nameHash(tenant, name) ?? []);
        await append({ type: "names", erasure_id, name_hashes });
      }
      await erasures.catchUp();
    }
    // Before the calls lose the names as well.
    const list = is_dry_run ? ErasureList.of(request, calls, names) : erasures.list;
    const incidents = await store.rewriteIncidents({
      tenant,
      names,
      change: (event) => cleanIncident(event, list),
      isDryRun: is_dry_run,
    });
    const counts = is_dry_run
      ? await store.countTexts({ tenant, call_ids: calls })
      : await store.eraseTexts({ tenant, call_ids: calls });
    const inStore = Object.entries({ ...counts, incidents }).map(([place, removed]) => ({
      place,
      removed,
      remains: null,
    }));
    const places = [...inStore, ...(await fromLog(list, is_dry_run))];
    await append({ type: "done", erasure_id, places, at: new Date(clock.now()).toISOString() });
    await erasures.catchUp();
    logger.info({ erasure_id, tenant, is_dry_run, calls: calls.length, places }, "eraser.done");
  }

  async function fromLog(list: ErasureList, isDryRun: boolean): Promise<ErasedPlace[]> {
    const places: ErasedPlace[] = [];
    for (const topic of TEXT_TOPICS) {
      if (rewriteLog === null) {
        places.push({ place: topic, removed: 0, remains: remainsIn(topic) });
        continue;
      }
      const change = (record: LogRecord): Uint8Array | null => {
        const clean = cleanRecord(topic, record, list);
        return clean === record || Buffer.from(clean.value).equals(Buffer.from(record.value))
          ? null
          : clean.value;
      };
      const removed = await rewriteLog(topic, change, { isDryRun });
      places.push({ place: topic, removed, remains: null });
    }
    return places;
  }

  /** Requests that can't be had were not carried out: somebody must ask again. */
  async function onGap({ partition, from, to, reason, detail }: Gap): Promise<void> {
    logger.error(
      { topic: ERASURES_TOPIC, log_partition: partition, from, to, reason, detail },
      "eraser.requests_missing",
    );
  }

  return {
    name: "eraser",
    health: {
      readiness: {
        requests: () => {
          const [first] = failing;
          if (first === undefined) return ok("no erasure fails");
          return notOk(`erasure ${first[0]} fails and is tried again: ${first[1]}`);
        },
      },
    },
    async run(signal) {
      await log.subscribe(ERASURES_TOPIC, { group: GROUP, signal, onGap }, async (batch) => {
        for (const record of batch.records) {
          const request = requestIn(record);
          while (request !== null && !batch.signal.aborted) {
            try {
              await carryOut(request, batch.signal);
              failing.delete(request.erasure_id);
              break;
            } catch (error) {
              failing.set(request.erasure_id, error instanceof Error ? error.name : "unknown error");
              logger.warn({ err: error, erasure_id: request.erasure_id }, "eraser.failed");
              await clock.sleep(RETRY_MS, batch.signal);
            }
          }
          if (batch.signal.aborted) {
            // Another process carries on, or this one ends.
            if (request !== null) failing.delete(request.erasure_id);
            return;
          }
          const next = { offset: record.offset + 1, metadata: "" };
          await log.commit(GROUP, ERASURES_TOPIC, batch.partition, next);
        }
      });
    },
  };
}

function requestIn(record: LogRecord): ErasureRequested | null {
  const event = readEvent(record, ErasureEvent);
  return event?.type === "requested" ? event : null;
}

/** An event of the incidents topic as JSON, without erased names. */
function cleanIncident(event: string, list: ErasureList): string {
  const record = { value: Buffer.from(event), headers: {}, timestamp: 0 };
  return Buffer.from(cleanRecord("plumbline.incidents", record, list).value).toString("utf8");
}

function remainsIn(topic: Topic): string {
  const { retention_ms } = TOPICS[topic];
  const end =
    retention_ms < 0
      ? "what was appended stays in it for ever"
      : `what was appended leaves it ${counted(retention_ms / DAY_MS, "day")} after it was, by retention`;
  return `this log can't change a record: ${end}; readers of ours leave it out`;
}
