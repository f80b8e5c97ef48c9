import {
  LogError,
  READ_BYTES_MAX,
  READ_RECORDS_MAX,
  type LogRecord,
  type ReadLimits,
  type Watermark,
} from "@plumbline/ports";
import { TOPICS, type Topic } from "@plumbline/schemas";
import { within } from "./deadline.ts";
import type { KafkaLogger } from "./driver-log.ts";
import { fetchedBatch, type DriverCluster, type FetchedBatch } from "./driver.ts";
import { brokerErrorType, toLogError } from "./errors.ts";
import { toLogRecord, toOffset } from "./wire/record.ts";

/** Most bytes of one answer. A broker sends at least one batch, however few bytes are asked for. */
const FETCH_BYTES_MAX = 8 * 1_048_576;
/** Records that a transaction has not committed are not shown. */
const READ_COMMITTED = 1;
/** Longest wait for one answer, repeats included. Longer than a broker's restart or a leader's move. */
const ANSWER_MS = 20_000;
const ATTEMPT_WAIT_MS = 250;

interface DirectReader {
  read(topic: Topic, partition: number, from: number, limits: ReadLimits): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}

/**
 * Reads partitions from their leaders without being a member of any group: no join, no offsets, nothing left
 * behind at the broker. The connections are made on first use and kept.
 *
 * @param watermarks of a topic, to tell an offset before the first kept record from one past the end
 */
export function createDirectReader(
  cluster: DriverCluster,
  watermarks: (topic: Topic) => Promise<readonly Watermark[]>,
  logger: KafkaLogger,
): DirectReader {
  let connected: Promise<void> | null = null;
  let wasConnected = false;
  /** A failure may mean that leaders moved. */
  let isStale = false;

  async function fetchOnce(
    topic: Topic,
    partition: number,
    from: number,
    maxBytes: number,
  ): Promise<Fetched> {
    wasConnected = true;
    connected ??= cluster.connect();
    await connected;
    await cluster.addTargetTopic(topic);
    await (isStale ? cluster.refreshMetadata() : cluster.refreshMetadataIfNecessary());
    isStale = false;
    const metadata = cluster.findTopicPartitionMetadata(topic).find((each) => each.partitionId === partition);
    if (metadata === undefined) {
      throw new LogError("topic_mismatch", `${topic} has no partition ${partition}`, { retryable: false });
    }
    const leader = await cluster.findBroker({ nodeId: String(metadata.leader) });
    const { responses } = await leader.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes,
      rackId: "",
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes }] }],
    });
    const fetched = responses[0]?.partitions[0];
    if (fetched === undefined) {
      throw new LogError("log_unavailable", `an empty answer for ${topic}/${partition}`, { retryable: true });
    }
    return { batch: fetchedBatch(topic, from, fetched), highWatermark: toOffset(fetched.highWatermark) };
  }

  async function fetch(
    topic: Topic,
    partition: number,
    from: number,
    maxBytes: number,
  ): Promise<Fetched | "out_of_range"> {
    const doing = `read ${topic}/${partition}`;
    const deadline = performance.now() + ANSWER_MS;
    for (;;) {
      try {
        const left = Math.max(0, deadline - performance.now());
        return await within(left, doing, fetchOnce(topic, partition, from, maxBytes));
      } catch (error) {
        if (brokerErrorType(error) === "OFFSET_OUT_OF_RANGE") return "out_of_range";
        const failure = toLogError(error, doing);
        const mayBeMoving = brokerErrorType(error) === "UNKNOWN_TOPIC_OR_PARTITION";
        if (performance.now() > deadline || !(failure.retryable || mayBeMoving)) throw failure;
        connected = null;
        forgetClosedConnection(cluster, error);
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_WAIT_MS));
        isStale = true;
      }
    }
  }

  return {
    async read(topic, partition, from, { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX }) {
      const records: LogRecord[] = [];
      let bytes = 0;
      let next = from;
      while (records.length < recordsMax) {
        const wanted = (recordsMax - records.length) * TOPICS[topic].record_bytes_max;
        const fetched = await fetch(topic, partition, next, Math.min(FETCH_BYTES_MAX, wanted, bytesMax));
        if (fetched === "out_of_range") {
          const low = (await watermarks(topic)).find((each) => each.partition === partition)?.low ?? 0;
          if (next >= low) break;
          next = low;
          continue;
        }
        const { batch, highWatermark } = fetched;
        for (const message of batch.messages.slice(0, recordsMax - records.length)) {
          if (message.unreadable !== undefined) {
            logger.warn({ topic, partition, ...message.unreadable }, "kafka.unreadable");
            continue;
          }
          const record = toLogRecord(partition, message);
          bytes += record.value.byteLength;
          if (records.length > 0 && bytes > bytesMax) return records;
          records.push(record);
        }
        const passed = toOffset(batch.lastOffset()) + 1;
        if (passed <= next || passed >= highWatermark) break;
        next = passed;
      }
      return records;
    },
    async close() {
      // Also after a failed connection: what was connected before it may still be.
      if (wasConnected) await cluster.disconnect();
    },
  };
}

interface Fetched {
  readonly batch: FetchedBatch;
  readonly highWatermark: number;
}

/** kafkajs keeps a closed connection in its pool until it is told. */
function forgetClosedConnection(cluster: DriverCluster, error: unknown): void {
  if (!(error instanceof Error && error.name === "KafkaJSConnectionClosedError")) return;
  if (!("host" in error && "port" in error)) return;
  cluster.removeBroker({ host: String(error.host), port: Number(error.port) });
}
