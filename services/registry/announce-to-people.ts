/**
 * Tells the incidents topic what people have to hear of: every promotion that overrode the gate, and every version that
 * was taken back.
 *
 * Only the fold knows whether a command was accepted and what it changed. What is announced already is read from the
 * topic itself, so that a crash between fold and announcement, a restart, or another replica loses none; two replicas
 * that announce at once write the same id, and the second one changes nothing.
 */
import {
  bypassId,
  encodeIncidentEvent,
  INCIDENTS,
  INCIDENTS_PARTITION,
  rollbackId,
  type GateBypassed,
  type RolledBack,
} from "@plumbline/alerts";
import { type Clock, type EventLog, isLogAway, type LogRecord, readEvent, readPages } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { supervise } from "@plumbline/runtime/supervise";
import { IncidentEvent } from "@plumbline/schemas";
import type { EnvState, HistoryEntry, RegistryState, UseCaseState } from "@plumbline/registry-fold/state";

/** Between two looks at the folded state, ms. */
const LOOK_MS = 500;
const READ_MAX = 1_000;
/** A record holds one announcement; a refusal of the gate is a few sentences. */
const OVERRIDDEN_MAX = 50;

interface AnnouncerDeps {
  readonly log: Pick<EventLog, "append" | "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: RegistryState;
  /** False while `state` is behind the log: it is no word on what is new. */
  readonly isLoaded: () => boolean;
}

/** An announcement and the offset of the command in the registry's log. */
interface Owed {
  readonly offset: number;
  readonly tenant: string;
  readonly event: GateBypassed | RolledBack;
}

/** Announces until `signal` aborts. Outages of the log are waited out. */
export async function announceToPeople(deps: AnnouncerDeps, signal: AbortSignal): Promise<void> {
  const { log, clock, logger, state, isLoaded } = deps;
  const announced = new Set<string>();
  let next = 0;
  /** `state.next_offset` up to which nothing is owed. */
  let settledOffset = 0;

  /** What is not known to be announced, in the order in which it happened. */
  function owed(): readonly Owed[] {
    return [...state.use_cases.values()]
      .flatMap((useCase) => [
        ...[...useCase.envs.values()].flatMap((env) => bypassesOf(state.log_id, useCase, env)),
        ...rollbacksOf(state.log_id, useCase),
      ])
      .filter(({ event }) => !announced.has(event.incident_id))
      .toSorted((a, b) => a.offset - b.offset);
  }

  async function readAnnounced(): Promise<void> {
    const [watermark] = await log.watermarks(INCIDENTS);
    next = Math.max(next, watermark?.low ?? 0);
    const unread = { from: next, to: watermark?.high ?? 0, recordsMax: READ_MAX };
    for await (const records of readPages(log, INCIDENTS, INCIDENTS_PARTITION, unread)) {
      for (const record of records) {
        const id = idOfAnnouncement(record);
        if (id !== null) announced.add(id);
        next = record.offset + 1;
      }
    }
  }

  async function announce(): Promise<void> {
    const offset = state.next_offset;
    if (owed().length > 0) {
      await readAnnounced();
      const events = owed();
      const records = events.map(({ event, tenant }) => ({
        ...encodeIncidentEvent(event),
        headers: { tenant },
      }));
      if (records.length > 0) await log.append(INCIDENTS, records);
      for (const { event } of events) announced.add(event.incident_id);
    }
    settledOffset = offset;
  }

  const turn = async (): Promise<void> => {
    if (isLoaded() && state.next_offset !== settledOffset) await announce();
  };
  await supervise(turn, {
    clock,
    signal,
    everyMs: LOOK_MS,
    waitMsMax: LOOK_MS,
    isRetryable: isLogAway,
    onFailed: (error, failures) => {
      if (failures === 1) logger.warn({ err: error }, "registry.not_announced");
    },
  });
}

function bypassesOf(
  logId: string,
  { tenant, use_case, versions }: UseCaseState,
  { env, bypasses }: EnvState,
): Owed[] {
  return bypasses.map(({ offset, at, actor, reason, prompt_version, overridden }) => ({
    offset,
    tenant,
    event: {
      type: "gate_bypassed",
      incident_id: bypassId(logId, offset),
      at: new Date(at).toISOString(),
      actor,
      tenant,
      env,
      use_case,
      prompt_version,
      number: versions.get(prompt_version)!.number,
      overridden: overridden.slice(0, OVERRIDDEN_MAX).map((each) => ({ ...each })),
      reason,
    },
  }));
}

function rollbacksOf(logId: string, { tenant, use_case, history }: UseCaseState): Owed[] {
  return history
    .filter(isRollback)
    .flatMap(({ offset, at, actor, reason, env, prompt_version, number, live, incident }) => {
      const [serving] = live ?? [];
      if (prompt_version === null || number === null || serving === undefined) return [];
      return [
        {
          offset,
          tenant,
          event: {
            type: "rolled_back" as const,
            incident_id: rollbackId(logId, offset),
            at: new Date(at).toISOString(),
            actor,
            tenant,
            env,
            use_case,
            prompt_version,
            number,
            to: serving.prompt_version,
            to_number: serving.number,
            reason,
            because_of: incident,
          },
        },
      ];
    });
}

/** A rollback that was accepted, and changed what is live. */
function isRollback({ type, outcome }: HistoryEntry): boolean {
  return type === "rolled_back" && outcome.kind === "accepted" && outcome.changed;
}

/** The id of an announcement; null for any other record. */
function idOfAnnouncement(record: LogRecord): string | null {
  const event = readEvent(record, IncidentEvent);
  return event?.type === "gate_bypassed" || event?.type === "rolled_back" ? event.incident_id : null;
}
