/** What every reader of the log does alike: bytes to events, reading to the end, sharing the work out. */
import { createHash } from "node:crypto";
import type { Topic } from "@plumbline/schemas";
import { READ_RECORDS_MAX, type EventLog, type LogRecord, type ReadLimits } from "./event-log.ts";

/** A schema as far as it is needed here: this package knows nothing of zod. */
interface EventSchema<Event> {
  safeParse(json: unknown): { readonly data?: Event | undefined };
}

const utf8 = new TextDecoder();

/** readEvent returns the event that a record holds. Null: it holds none of this schema, which is the writer's to report. */
export function readEvent<Event>(
  { value }: Pick<LogRecord, "value">,
  schema: EventSchema<Event>,
): Event | null {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(value));
  } catch {
    return null;
  }
  return schema.safeParse(json).data ?? null;
}

/** writeEvent returns the value of a record that holds `event`. */
export function writeEvent(event: object): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}

interface PagesOptions extends ReadLimits {
  readonly from: number;
  /** Exclusive; absent: to the end. */
  readonly to?: number;
}

/** readPages yields what `EventLog.read` answers, page by page. Pages are never empty. */
export async function* readPages(
  log: Pick<EventLog, "read">,
  topic: Topic,
  partition: number,
  { from, to = Number.POSITIVE_INFINITY, ...limits }: PagesOptions,
): AsyncGenerator<readonly LogRecord[]> {
  const { recordsMax = READ_RECORDS_MAX } = limits;
  for (let next = from; next < to;) {
    const page = await log.read(topic, partition, next, {
      ...limits,
      recordsMax: Math.min(recordsMax, to - next),
    });
    const last = page.at(-1);
    // Offsets may have gaps, also at the end: only an empty answer is the end.
    if (last === undefined) return;
    const wanted = last.offset < to ? page : page.filter(({ offset }) => offset < to);
    if (wanted.length > 0) yield wanted;
    next = last.offset + 1;
  }
}

/**
 * Makes a function that reads to the end, one read at a time. A caller gets a read that began after it called, shared
 * with everybody who waits too.
 */
export function oneReadAtATime(readToEnd: () => Promise<void>): () => Promise<void> {
  let reading: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  return () => {
    if (next !== null) return next;
    const mine = reading
      .catch(() => undefined)
      .then(() => {
        next = null;
        reading = readToEnd();
        return reading;
      });
    next = mine;
    mine.catch(() => undefined);
    return mine;
  };
}

/** Which partition of the schedule topic a use case belongs to; the same on every replica and after every restart. */
export function scheduleSlot(useCase: string, partitions: number): number {
  return createHash("sha256").update(useCase).digest().readUInt32BE(0) % partitions;
}
