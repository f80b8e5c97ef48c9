import { foldIncident, type IncidentState } from "@plumbline/alerts";
import type { EventLog, LogRecord } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { IncidentEvent } from "@plumbline/schemas";

export const INCIDENTS = "plumbline.incidents";
/** The topic has one partition: the order of an incident's events is the order of the log. */
export const PARTITION = 0;
const READ_MAX = 1_000;

export interface IncidentFold {
  /** By incident id, in the order of first detection. */
  readonly states: ReadonlyMap<string, IncidentState>;
  /** Reads what was not folded yet, up to offset `to` (exclusive). */
  catchUp(to: number): Promise<void>;
  /** Folds records; those folded before are skipped, so a redelivery changes nothing. */
  apply(records: readonly LogRecord[]): void;
}

/**
 * Every incident as the log tells it. A record that is not an incident event is logged and skipped: one bad record
 * must not silence every alert after it.
 */
export function createIncidentFold({
  log,
  logger,
}: {
  log: Pick<EventLog, "read">;
  logger: Logger;
}): IncidentFold {
  const states = new Map<string, IncidentState>();
  let next = 0;

  function apply(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.offset < next) continue;
      next = record.offset + 1;
      const event = decode(record);
      if (event === null) {
        logger.warn({ log_partition: record.partition, log_offset: record.offset }, "notifier.bad_record");
        continue;
      }
      const state = foldIncident(states.get(event.incident_id) ?? null, event);
      if (state !== null) states.set(event.incident_id, state);
    }
  }

  return {
    states,
    apply,
    async catchUp(to) {
      while (next < to) {
        const records = await log.read(INCIDENTS, PARTITION, next, Math.min(READ_MAX, to - next));
        // Offsets may have gaps, also at the end.
        if (records.length === 0) break;
        apply(records);
      }
    },
  };
}

export function encode(event: IncidentEvent): { key: string; value: Uint8Array } {
  return { key: event.incident_id, value: Buffer.from(JSON.stringify(event)) };
}

function decode({ value }: LogRecord): IncidentEvent | null {
  try {
    const parsed = IncidentEvent.safeParse(JSON.parse(Buffer.from(value).toString("utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
