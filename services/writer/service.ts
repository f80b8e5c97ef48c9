/**
 * The writer: moves every topic of the log into its table, exactly once in effect (`delivery.ts`).
 *
 * Calls are decoded, enriched and marked for judging on the way; a record that can't become a row goes to the
 * dead letters with a reason and stops nobody.
 */
import type { CallRow, Clock, EventLog, IngestAudit, LogRecord, Origin, Store } from "@plumbline/ports";
import { Feedback, IncidentEvent, RegistryEvent, Verdict, type Topic } from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import type { z } from "zod";
import { deadLetters } from "./dead-letter-rows.ts";
import { decodeCall } from "./decode-call.ts";
import { BATCH_LIMITS, createDelivery, type Destination, type Rejected } from "./delivery.ts";
import { DuplicateWindow } from "./duplicate-window.ts";
import { enrichCall, type Enrichment } from "./enrich-call.ts";

const GROUP = "writer";
/** Offsets of one partition in which a repeated call_id is dropped: minutes of traffic, as long as an emitter retries. */
const DUPLICATE_OFFSETS = 50_000;

export interface WriterDeps {
  readonly log: EventLog;
  readonly store: Pick<
    Store,
    | "insertCalls"
    | "insertVerdicts"
    | "insertFeedback"
    | "insertIncidentEvents"
    | "insertRegistryEvents"
    | "insertIngestAudit"
    | "insertDeadLetters"
    | "storedOffsets"
    | "samplingCounts"
    | "movedSlices"
    | "versionActivity"
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly enrichment: Enrichment;
}

export function createWriter(deps: WriterDeps): Service {
  const { log, store } = deps;
  const subscribe = <Row extends Origin, State>(
    destination: Destination<Row, State>,
    signal: AbortSignal,
  ): Promise<void> =>
    log.subscribe(
      destination.topic,
      { group: destination.group, signal, ...BATCH_LIMITS },
      createDelivery(destination, { ...deps, recordAudit }),
    );

  const audits: IngestAudit[] = [];
  let lastAuditAt = 0;

  /**
   * Notes what became of a range. The gap scan counts duplicates and dead letters by it, so a batch that had any is
   * noted before it is committed; the others are for people, and wait until there is a block of them.
   */
  async function recordAudit(audit: IngestAudit): Promise<void> {
    audits.push(audit);
    const isCounted = audit.duplicates + audit.dead_letters > 0;
    if (isCounted || audits.length >= AUDITS_A_BLOCK || deps.clock.now() - lastAuditAt >= AUDIT_MS)
      await flushAudits();
  }

  async function flushAudits(): Promise<void> {
    lastAuditAt = deps.clock.now();
    const block = audits.splice(0);
    if (block.length === 0) return;
    try {
      await store.insertIngestAudit(block);
    } catch (error) {
      // The calls themselves are stored; an audit row must not hold them up. It goes with the next block.
      audits.unshift(...block.slice(-AUDITS_KEPT_MAX));
      deps.logger.warn({ err: error, audits: block.length }, "writer.audit_failed");
    }
  }

  return {
    name: "writer",
    async run(signal) {
      // One topic's fault must end the others too, or the process would wait for them for ever.
      const abort = new AbortController();
      const either = AbortSignal.any([signal, abort.signal]);
      try {
        await loadSampling();
        await Promise.all([
          keepSampling(either),
          subscribe(calls(deps), either),
          subscribe(deadLetters(store, GROUP), either),
          subscribe(
            events(
              "plumbline.verdicts",
              Verdict,
              (rows) => store.insertVerdicts(rows),
              "verdicts",
              "verdict",
            ),
            either,
          ),
          subscribe(
            events(
              "plumbline.feedback",
              Feedback,
              (rows) => store.insertFeedback(rows),
              "feedback",
              "feedback",
            ),
            either,
          ),
          subscribe(
            events(
              "plumbline.incidents",
              IncidentEvent,
              (rows) => store.insertIncidentEvents(rows),
              "incidents",
              "event",
            ),
            either,
          ),
          subscribe(
            events(
              "plumbline.registry",
              RegistryEvent,
              (rows) => store.insertRegistryEvents(rows),
              "registry_events",
              "event",
            ),
            either,
          ),
        ]);
      } finally {
        abort.abort();
        await flushAudits();
      }
    },
  };

  /** Other writers choose calls too, and the monitor finds where outputs moved: both reach this one through the store. */
  async function keepSampling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await deps.clock.sleep(SAMPLING_MS, signal);
      if (!signal.aborted) await loadSampling();
    }
  }

  async function loadSampling(): Promise<void> {
    const now = deps.clock.now();
    const window = {
      start: new Date(now - SAMPLING_WINDOW_MS).toISOString(),
      end: new Date(now).toISOString(),
    };
    try {
      const [counts, moved, versions] = await Promise.all([
        store.samplingCounts(window),
        store.movedSlices(window.start),
        store.versionActivity(`${window.end.slice(0, 10)}T00:00:00.000Z`),
      ]);
      deps.enrichment.sampling.load(counts, moved);
      deps.enrichment.versions.load(versions, window.end);
    } catch (error) {
      // Without them a deploy may be boosted twice, a boost not be paid back, a few versions more be taken in: calls must flow all the same.
      deps.logger.warn({ err: error }, "writer.sampling_counts_failed");
    }
  }

  function events<Schema extends z.ZodType, Name extends string>(
    topic: Topic,
    schema: Schema,
    insert: (rows: readonly EventRow<z.output<Schema>, Name>[]) => Promise<void>,
    table: Parameters<Store["storedOffsets"]>[0],
    name: Name,
  ): Destination<EventRow<z.output<Schema>, Name>, null> {
    return {
      topic,
      group: GROUP,
      warmUpOffsets: 0,
      createState: () => null,
      warmUp: () => undefined,
      insert,
      storedOffsets: (range) => store.storedOffsets(table, range),
      prepare(records) {
        const rows: EventRow<z.output<Schema>, Name>[] = [];
        const rejected: Rejected[] = [];
        for (const record of records) {
          const decoded = decodeEvent(record, schema);
          if ("reason" in decoded) rejected.push(decoded);
          else
            rows.push({
              ...originOf(record),
              tenant: record.headers["tenant"] ?? "default",
              [name]: decoded.event,
            } as EventRow<z.output<Schema>, Name>);
        }
        return { rows, rejected, duplicates: 0 };
      },
    };
  }
}

/** Audit rows are for people; a block of them at a time keeps them from costing as much as the calls. */
const AUDITS_A_BLOCK = 100;
const AUDIT_MS = 10_000;
const AUDITS_KEPT_MAX = 10_000;
const SAMPLING_MS = 10 * 60_000;
/** The budget of judging is that of four weeks. */
const SAMPLING_WINDOW_MS = 28 * 86_400_000;

type EventRow<Event, Name extends string> = Origin & { readonly tenant: string } & {
  readonly [key in Name]: Event;
};

function calls({ store, enrichment }: WriterDeps): Destination<CallRow, DuplicateWindow> {
  return {
    topic: "plumbline.calls",
    group: GROUP,
    warmUpOffsets: DUPLICATE_OFFSETS,
    createState: () => new DuplicateWindow(DUPLICATE_OFFSETS),
    warmUp(window, records) {
      for (const record of records) window.isRepeated(record.key, record.offset);
    },
    insert: (rows) => store.insertCalls(rows),
    storedOffsets: (range) => store.storedOffsets("calls", range),
    prepare(records, window) {
      const rows: CallRow[] = [];
      const rejected: Rejected[] = [];
      let duplicates = 0;
      for (const record of records) {
        const decoded = decodeCall(record);
        if (decoded.kind === "rejected") rejected.push(decoded);
        else if (window.isRepeated(decoded.call.call_id, record.offset)) duplicates += 1;
        else rows.push(enrichCall(decoded, enrichment));
      }
      return { rows, rejected, duplicates };
    },
  };
}

function decodeEvent<Schema extends z.ZodType>(
  record: LogRecord,
  schema: Schema,
): { event: z.output<Schema> } | Rejected {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(record.value));
  } catch (error) {
    return { record, reason: "not_json", detail: String(error) };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { event: parsed.data };
  const issue = parsed.error.issues[0];
  return {
    record,
    reason: `schema:${String(issue?.path[0] ?? "event")}`,
    detail: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  };
}

function originOf(record: LogRecord): Origin {
  return {
    log_partition: record.partition,
    log_offset: record.offset,
    ingested_at: new Date(record.timestamp).toISOString(),
  };
}
