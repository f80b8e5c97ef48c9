import {
  LogError,
  type Clock,
  type Committed,
  type EventLog,
  type LogRecord,
  type Position,
} from "@plumbline/ports";
import { TOPICS, type Topic } from "@plumbline/schemas";
import { partitionOf } from "./partition-of.ts";
import { createReaders } from "./readers.ts";
import { assertRecordsFit } from "./record-size.ts";

/** Kafka's limit, `offset.metadata.max.bytes`; the other logs keep it so that code moves between them. */
export const METADATA_BYTES_MAX = 4_096;

/** @throws RangeError when a group wants to store more than the port allows */
export function assertMetadataFits(metadata: string): void {
  const size = Buffer.byteLength(metadata);
  if (size > METADATA_BYTES_MAX)
    throw new RangeError(`metadata has ${size} bytes, at most ${METADATA_BYTES_MAX}`);
}

/**
 * A log for tests and demonstrations: nothing outlives `close`, and nothing is ever removed.
 *
 * @param options.partitions most partitions of a topic; a topic never has more than `TOPICS` gives it. Default 1
 */
export function createMemoryEventLog(options: { clock: Clock; partitions?: number }): EventLog {
  const { clock, partitions: partitionsMax = 1 } = options;
  const topics = new Map<Topic, LogRecord[][]>();
  const cursors = new Map<string, Committed>();
  let isClosed = false;

  const partitionsOf = (topic: Topic): number => Math.min(partitionsMax, TOPICS[topic].partitions);
  function recordsOf(topic: Topic, partition: number): LogRecord[] {
    let all = topics.get(topic);
    if (all === undefined) {
      all = Array.from({ length: partitionsOf(topic) }, () => []);
      topics.set(topic, all);
    }
    const records = all[partition];
    if (records === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
    return records;
  }
  const committed = (group: string, topic: Topic, partition: number): Committed =>
    cursors.get(JSON.stringify([group, topic, partition])) ?? { offset: 0, metadata: "" };
  function assertOpen(): void {
    if (isClosed) throw new LogError("log_unavailable", "the log is closed", { retryable: false });
  }

  const readers = createReaders({
    partitions: partitionsOf,
    committed,
    high: (topic, partition) => recordsOf(topic, partition).length,
    readBatch(topic, partition, from, { recordsMax, bytesMax }) {
      const batch: LogRecord[] = [];
      let size = 0;
      for (const record of recordsOf(topic, partition).slice(from, from + recordsMax)) {
        size += record.value.byteLength;
        if (batch.length > 0 && size > bytesMax) break;
        batch.push(record);
      }
      return batch;
    },
  });

  return {
    async append(topic, records) {
      assertOpen();
      assertRecordsFit(topic, records);
      const timestamp = clock.now();
      const positions: Position[] = records.map(({ key, value, headers = {} }) => {
        const partition = partitionOf(key, partitionsOf(topic));
        const kept = recordsOf(topic, partition);
        const position = { partition, offset: kept.length };
        // Copies, because the caller may use its buffer again.
        kept.push({ ...position, timestamp, key, value: Uint8Array.from(value), headers: { ...headers } });
        return position;
      });
      for (const partition of new Set(positions.map((each) => each.partition))) {
        readers.appended(topic, partition);
      }
      return positions;
    },
    subscribe: readers.subscribe,
    claim: readers.claim,
    async commit(group, topic, partition, { offset, metadata }) {
      assertOpen();
      assertMetadataFits(metadata);
      readers.assertHeld(group, topic, partition);
      cursors.set(JSON.stringify([group, topic, partition]), { offset, metadata });
    },
    committed: async (group, topic, partition) => committed(group, topic, partition),
    read: async (topic, partition, from, max) => recordsOf(topic, partition).slice(from, from + max),
    watermarks: async (topic) =>
      Array.from({ length: partitionsOf(topic) }, (_, partition) => ({
        partition,
        low: 0,
        high: recordsOf(topic, partition).length,
      })),
    async close() {
      isClosed = true;
      readers.close();
    },
  };
}
