/** The records of every partition, oldest first, and where each partition begins and ends. */
import type { LogRecord } from "@plumbline/ports";
import { TOPIC_NAMES, type Topic } from "@plumbline/schemas";
import type { Folder } from "./folder.ts";
import {
  createKey,
  decodeFrame,
  encodeFrames,
  KEY_BYTES,
  offsetOf,
  timestampOf,
  writeKey,
} from "./record-frame.ts";

/** One partition. */
export interface Partition {
  readonly topic: Topic;
  readonly topicId: number;
  readonly partition: number;
  /** First offset that is kept. */
  low: number;
  /** One past the last durable offset. */
  high: number;
}

/** One for all logs: LMDB copies a key when it is put, and puts are synchronous. */
const scratchKey = Buffer.allocUnsafe(KEY_BYTES);

/** Writes are put within `Folder.transact`; `high` and `low` are moved by whoever waited for that. */
export class RecordTable {
  readonly #records: Folder["records"];
  readonly #partitions = new Map<Topic, readonly Partition[]>();

  constructor({ records, topicIds }: Folder, partitionsOf: (topic: Topic) => number) {
    this.#records = records;
    for (const topic of TOPIC_NAMES) {
      const topicId = topicIds.get(topic)!;
      const numbers = Array.from({ length: partitionsOf(topic) }, (_, partition) => partition);
      this.#partitions.set(
        topic,
        numbers.map((partition) => findPartition(records, topic, topicId, partition)),
      );
    }
  }

  of(topic: Topic): readonly Partition[] {
    return this.#partitions.get(topic) ?? [];
  }

  partition(topic: Topic, partition: number): Partition {
    const found = this.of(topic)[partition];
    if (found === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
    return found;
  }

  put({ topicId, partition }: Partition, offset: number, frame: Buffer): void {
    void this.#records.put(writeKey(scratchKey, topicId, partition, offset), frame);
  }

  remove(keys: readonly Buffer[]): void {
    for (const key of keys) void this.#records.remove(key);
  }

  /** Durable records from an offset on; at least one when there is one, however few bytes are asked for. */
  read(mark: Partition, from: number, recordsMax: number, bytesMax: number): LogRecord[] {
    const found: LogRecord[] = [];
    if (from >= mark.high || recordsMax <= 0) return found;
    const range = {
      start: createKey(mark.topicId, mark.partition, from),
      end: createKey(mark.topicId, mark.partition, mark.high),
      limit: recordsMax,
    };
    let bytes = 0;
    for (const { key, value } of this.#records.getRange(range)) {
      const record = decodeFrame(mark.partition, offsetOf(key), value);
      bytes += record.value.byteLength;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(record);
    }
    return found;
  }

  /** Keys of the oldest records that are past their time, at most `keysMax`; never the last record's. */
  expiredKeys(mark: Partition, cutoff: number, keysMax: number): Buffer[] {
    const keys: Buffer[] = [];
    if (mark.high === mark.low) return keys;
    const start = createKey(mark.topicId, mark.partition, mark.low);
    const end = createKey(mark.topicId, mark.partition, mark.high - 1);
    for (const { key, value } of this.#records.getRange({ start, end, limit: keysMax })) {
      if (timestampOf(value) >= cutoff) break;
      keys.push(key);
    }
    return keys;
  }
}

/** frameOf returns the frame of a record with another value. */
export function frameOf({ key, headers, timestamp }: LogRecord, value: Uint8Array): Buffer {
  return encodeFrames([{ key, headers, value }], timestamp)[0]!;
}

function findPartition(
  records: Folder["records"],
  topic: Topic,
  topicId: number,
  partition: number,
): Partition {
  const start = createKey(topicId, partition, 0);
  // Not the next partition's first key: a reverse range includes where it starts.
  const end = createKey(topicId, partition, Number.MAX_SAFE_INTEGER);
  const [first] = records.getKeys({ start, end, limit: 1 });
  const [last] = records.getKeys({ start: end, reverse: true, limit: 1 });
  return {
    topic,
    topicId,
    partition,
    low: first === undefined ? 0 : offsetOf(first),
    high: first === undefined || last === undefined ? 0 : offsetOf(last) + 1,
  };
}
