import { LogError, type EventLog, type LogRecord } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import { interruptIf } from "./interrupted.ts";

/** Bytes and records held at once while a range is read again. */
const CHUNK = { recordsMax: 5_000, bytesMax: 8 * 1_048_576 } as const;
/** Empty answers in a row to a question that must have one. */
const EMPTY_ANSWERS_MAX = 5;

interface RangeToRead {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  /** An offset at or after `to` that is known to hold a record: whoever reads on must meet it. */
  readonly anchor: number;
  readonly signal: AbortSignal;
}

/**
 * Reads every record of a range, in chunks, and never less: an aborted or a short read is no end. Offsets that hold no
 * record (marks of transactions, records past their retention) are told from one by the record that follows them.
 *
 * @throws Interrupted when the signal aborted
 * @throws LogError when the log ends before `anchor`, or keeps answering with nothing
 */
export async function* readRange(
  log: Pick<EventLog, "read" | "watermarks">,
  { topic, partition, from, to, anchor, signal }: RangeToRead,
): AsyncGenerator<readonly LogRecord[]> {
  let empty = 0;
  for (let next = from; next <= to;) {
    interruptIf(signal);
    const records = await log.read(topic, partition, next, CHUNK);
    interruptIf(signal);
    const last = records.at(-1);
    if (last === undefined) {
      await assertReaches(log, topic, partition, anchor);
      empty += 1;
      if (empty >= EMPTY_ANSWERS_MAX) throw unreadable(topic, partition, next, anchor);
      continue;
    }
    empty = 0;
    if (last.offset < next) throw unreadable(topic, partition, next, anchor);
    const wanted = records.filter(({ offset }) => offset >= next && offset <= to);
    if (wanted.length > 0) yield wanted;
    next = last.offset + 1;
  }
}

async function assertReaches(
  log: Pick<EventLog, "watermarks">,
  topic: Topic,
  partition: number,
  anchor: number,
): Promise<void> {
  const mark = (await log.watermarks(topic)).find((each) => each.partition === partition);
  if (mark !== undefined && mark.high > anchor) return;
  throw new LogError(
    "log_unavailable",
    `${topic}/${partition} ends at offset ${(mark?.high ?? 0) - 1}, though records up to ${anchor} were read from it: ` +
      "the log has lost its end, or is another one",
    { retryable: true },
  );
}

function unreadable(topic: Topic, partition: number, next: number, anchor: number): LogError {
  return new LogError(
    "log_unavailable",
    `${topic}/${partition}: no record at or after offset ${next} could be read, though there is one at ${anchor}`,
    { retryable: true },
  );
}
