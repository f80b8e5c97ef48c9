import type { LogRecord, ReadLimits } from "@plumbline/ports";

/** A record as a fetch brings it, from kafkajs' decoder or from ours. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
  /** Set when this stands for records that are there and can't be read. */
  readonly unreadable?: Unreadable | undefined;
}

interface Unreadable {
  /** First and last offset, both inclusive. */
  readonly from: number;
  readonly to: number;
  readonly detail: string;
}

const EMPTY = new Uint8Array();

/** @throws RangeError past 2^53, where numbers lose offsets: at a million records a second, in 285 years */
export function toLogRecord(partition: number, message: FetchedMessage): LogRecord {
  return {
    partition,
    offset: toOffset(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key?.toString() ?? "",
    value: message.value ?? EMPTY,
    headers: toHeaders(message.headers),
  };
}

export function toOffset(offset: string): number {
  const number = Number(offset);
  if (!Number.isSafeInteger(number)) throw new RangeError(`offset ${offset} is not an integer below 2^53`);
  return number;
}

/** The first of a repeated header counts; we write none, other producers may. */
function toHeaders(headers: FetchedMessage["headers"]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    texts[name] = first?.toString() ?? "";
  }
  return texts;
}

/** The records of one fetch in order, within both limits at a time, and the gaps between them that can't be read. */
export function* handOvers(
  partition: number,
  messages: readonly FetchedMessage[],
  limits: Required<ReadLimits>,
): Generator<{ readonly records: readonly LogRecord[] } | { readonly unreadable: Unreadable }> {
  let records: LogRecord[] = [];
  for (const message of messages) {
    if (message.unreadable === undefined) {
      records.push(toLogRecord(partition, message));
      continue;
    }
    for (const slice of sliceRecords(records, limits)) yield { records: slice };
    records = [];
    yield { unreadable: message.unreadable };
  }
  for (const slice of sliceRecords(records, limits)) yield { records: slice };
}

/** Cuts records into runs within both limits; a record that alone is over `bytesMax` is a run of its own. */
export function* sliceRecords(
  records: readonly LogRecord[],
  limits: Required<ReadLimits>,
): Generator<readonly LogRecord[]> {
  let start = 0;
  let bytes = 0;
  for (const [i, { value }] of records.entries()) {
    const isFull = i - start >= limits.recordsMax || bytes + value.byteLength > limits.bytesMax;
    if (isFull && i > start) {
      yield records.slice(start, i);
      start = i;
      bytes = 0;
    }
    bytes += value.byteLength;
  }
  if (start < records.length) yield records.slice(start);
}
