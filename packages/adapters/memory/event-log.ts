import { randomUUID } from "node:crypto";
import {
  LogError,
  READ_BYTES_MAX,
  READ_RECORDS_MAX,
  type Clock,
  type Committed,
  type EventLog,
  type LogRecord,
  type Position,
  type ReadLimits,
} from "@plumbline/ports";
import { TOPICS, type Topic } from "@plumbline/schemas";
import { assertMetadataFits, assertRecordsFit } from "../log-core/record-size.ts";
import { partitionOf } from "../log-core/partition-of.ts";
import { Readers } from "../log-core/readers.ts";

export interface MemoryEventLog extends EventLog {
  /** Lets go of the records below an offset: whoever asks knows that every group is past it. */
  trim(topic: Topic, partition: number, before: number): void;
}

/** One partition: its records, and the offset of the first that is kept. */
interface Kept {
  low: number;
  readonly records: LogRecord[];
}

/**
 * A log for tests, demonstrations and replays: nothing outlives `close`, and only `trim` removes anything.
 *
 * @param options.partitions most partitions of a topic; a topic never has more than `TOPICS` gives it. Default 1
 */
export function createMemoryEventLog(options: { clock: Clock; partitions?: number }): MemoryEventLog {
  const { clock, partitions: partitionsMax = 1 } = options;
  const topics = new Map<Topic, Kept[]>();
  const cursors = new Map<string, Committed>();
  const identity = `memory:${randomUUID()}`;
  let isClosed = false;

  const partitionsOf = (topic: Topic): number => Math.min(partitionsMax, TOPICS[topic].partitions);
  function keptOf(topic: Topic, partition: number): Kept {
    let all = topics.get(topic);
    if (all === undefined) {
      all = Array.from({ length: partitionsOf(topic) }, () => ({ low: 0, records: [] }));
      topics.set(topic, all);
    }
    const kept = all[partition];
    if (kept === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
    return kept;
  }
  function readFrom(topic: Topic, partition: number, from: number, limits: ReadLimits): LogRecord[] {
    const { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX } = limits;
    const { low, records } = keptOf(topic, partition);
    const start = Math.max(0, from - low);
    let end = start;
    for (let bytes = 0; end < records.length && end - start < recordsMax; end++) {
      bytes += records[end]!.value.byteLength;
      if (end > start && bytes > bytesMax) break;
    }
    return records.slice(start, end);
  }
  function highOf(topic: Topic, partition: number): number {
    const { low, records } = keptOf(topic, partition);
    return low + records.length;
  }
  const committed = (group: string, topic: Topic, partition: number): Committed | null =>
    cursors.get(JSON.stringify([group, topic, partition])) ?? null;
  function assertOpen(): void {
    if (isClosed) throw new LogError("log_unavailable", "the log is closed", { retryable: false });
  }

  const readers = new Readers({
    partitions: partitionsOf,
    committed,
    low: (topic, partition) => keptOf(topic, partition).low,
    high: highOf,
    readBatch: readFrom,
  });

  return {
    identity: async () => identity,
    async append(topic, records) {
      assertOpen();
      assertRecordsFit(topic, records);
      const timestamp = clock.now();
      const positions: Position[] = records.map(({ key, value, headers = {} }) => {
        const partition = partitionOf(key, partitionsOf(topic));
        const position = { partition, offset: highOf(topic, partition) };
        // Copies, because the caller may use its buffer again.
        keptOf(topic, partition).records.push({
          ...position,
          timestamp,
          key,
          value: Uint8Array.from(value),
          headers: { ...headers },
        });
        return position;
      });
      for (const partition of new Set(positions.map((each) => each.partition))) {
        readers.appended(topic, partition);
      }
      return positions;
    },
    async assertAppendable() {
      assertOpen();
    },
    subscribe: (topic, subscribeOptions, handle) => readers.subscribe(topic, subscribeOptions, handle),
    claim: (group, topic, signal) => readers.claim(group, topic, signal),
    async commit(group, topic, partition, { offset, metadata }) {
      assertOpen();
      assertMetadataFits(metadata);
      readers.assertHeld(group, topic, partition);
      cursors.set(JSON.stringify([group, topic, partition]), { offset, metadata });
    },
    committed: async (group, topic, partition) =>
      committed(group, topic, partition) ?? { offset: 0, metadata: "" },
    async read(topic, partition, from, limits) {
      assertOpen();
      return readFrom(topic, partition, from, limits);
    },
    watermarks: async (topic) =>
      Array.from({ length: partitionsOf(topic) }, (_, partition) => ({
        partition,
        low: keptOf(topic, partition).low,
        high: highOf(topic, partition),
      })),
    trim(topic, partition, before) {
      const kept = keptOf(topic, partition);
      kept.low += kept.records.splice(0, Math.max(0, before - kept.low)).length;
    },
    async close() {
      isClosed = true;
      readers.close();
    },
  };
}
