import { recordBytes } from "../log-core/record-size.ts";
import { LogError, type NewRecord, type Position } from "@plumbline/ports";
import { TOPICS, type Topic } from "@plumbline/schemas";
import type { Kafka, Message, Producer, RecordMetadata } from "kafkajs";
import { within } from "./deadline.ts";
import { toLogError } from "./errors.ts";

/**
 * Records in one request. kafkajs copies the list of a partition once a record; beyond a few thousand that
 * dominates.
 */
const REQUEST_RECORDS_MAX = 2_000;
/** Framing of a record on the wire, without its key, value and headers: about 20 bytes, and 10 a header. */
const RECORD_OVERHEAD_BYTES = 32;
/** Longest wait for the brokers to acknowledge one request, repeats included. Longer than a broker's restart. */
const REQUEST_MS = 30_000;

/** Records waiting, in all. At 1 KB about a second of full speed; then the caller must wait. */
const QUEUE_BYTES_MAX = 64 * 1_048_576;

interface Append {
  readonly positions: Position[];
  remaining: number;
  resolve(positions: readonly Position[]): void;
  reject(error: LogError): void;
}

/** A record on its way. kafkajs reads the `Message` part and hands the object to the partitioner. */
interface Outgoing extends Message {
  readonly append: Append;
  readonly index: number;
  readonly bytes: number;
  chosenPartition: number;
}

export interface Appender {
  /**
   * @throws LogError `record_too_large` or `log_full` (nothing was written), `log_unavailable` (may have been written)
   */
  append(records: readonly NewRecord[]): Promise<readonly Position[]>;
  /** Error of the newest request; null when it was acknowledged, or failed too long ago to matter. */
  recentFailure(): LogError | null;
  /** Refuses new records, waits for those accepted, disconnects. */
  close(): Promise<void>;
}

/** A failed request counts against the cluster for this long while nobody tries again, ms. */
const FAILURE_MS = 30_000;

/**
 * Appends to one topic, one request at a time; what arrives meanwhile goes together in the next one, so many
 * small appends cost few requests.
 *
 * One at a time is not a matter of taste. The broker drops a repeated request by its sequence number, and kafkajs
 * gives the number of a failed request to whichever request comes next: with two in flight, the second can be
 * taken for a repetition of the first, acknowledged and lost. For the same reason a producer is discarded after a
 * request that failed for good, for nobody knows whether the broker has it.
 */
export function createAppender(createClient: () => Kafka, topic: Topic): Appender {
  const bytesMax = TOPICS[topic].record_bytes_max;
  const queue: Outgoing[] = [];
  let queuedBytes = 0;
  let producer: Promise<Producer> | null = null;
  let sending: Promise<void> | null = null;
  let isClosed = false;
  let failed: { readonly error: LogError; readonly at: number } | null = null;

  async function sendQueued(): Promise<void> {
    while (queue.length > 0) {
      const request = takeRequest(queue, bytesMax);
      for (const { bytes } of request) queuedBytes -= bytes;
      try {
        producer ??= connectProducer(createClient());
        const sent = producer.then((connected) => send(connected, topic, request));
        settle(request, await within(REQUEST_MS, `append to ${topic}`, sent));
        failed = null;
      } catch (error) {
        discard(producer);
        producer = null;
        const failure = toLogError(error, `append to ${topic}`);
        failed = { error: failure, at: performance.now() };
        // The rest of a failed append would be a hole in it; and what waited behind an outage has waited enough.
        const isOutage = failure.code === "log_unavailable";
        const given = new Set((isOutage ? [...request, ...queue] : request).map((record) => record.append));
        for (const append of given) append.reject(failure);
        const rest = queue.filter((record) => !given.has(record.append));
        queue.splice(0, queue.length, ...rest);
        queuedBytes = rest.reduce((sum, record) => sum + record.bytes, 0);
      }
    }
    sending = null;
  }

  return {
    append(records) {
      if (isClosed) return Promise.reject(closedError(topic));
      if (records.length === 0) return Promise.resolve([]);
      const sizes = records.map(recordBytes);
      const tooLarge = sizes.findIndex((bytes) => bytes > bytesMax);
      if (tooLarge >= 0) return Promise.reject(tooLargeError(topic, sizes[tooLarge]!, bytesMax));
      const bytes = sizes.reduce((sum, each) => sum + each, 0);
      if (queuedBytes > 0 && queuedBytes + bytes > QUEUE_BYTES_MAX) return Promise.reject(fullError(topic));
      queuedBytes += bytes;
      return new Promise((resolve, reject) => {
        const append: Append = {
          positions: Array.from({ length: records.length }),
          remaining: records.length,
          resolve,
          reject,
        };
        for (const [index, record] of records.entries()) {
          queue.push(outgoing(record, append, index, sizes[index]!));
        }
        sending ??= sendQueued();
      });
    },
    recentFailure: () =>
      failed !== null && performance.now() - failed.at < FAILURE_MS ? failed.error : null,
    async close() {
      isClosed = true;
      await sending;
      await (await producer?.catch(() => null))?.disconnect();
    },
  };
}

async function connectProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: () => choosePartition,
  });
  await producer.connect();
  return producer;
}

/** Remembers its choice in the record: the response names a base offset by partition, not one by record. */
function choosePartition({
  partitionMetadata,
  message,
}: {
  partitionMetadata: readonly unknown[];
  message: Message;
}): number {
  const record = message as Outgoing;
  record.chosenPartition = partitionOf(String(record.key), partitionMetadata.length);
  return record.chosenPartition;
}

function send(producer: Producer, topic: Topic, messages: Outgoing[]): Promise<RecordMetadata[]> {
  return producer.sendBatch({ topicMessages: [{ topic, messages }], acks: -1, timeout: REQUEST_MS });
}

/** The oldest records that fit one request. A broker's limit is on what one request brings to one partition. */
function takeRequest(queue: Outgoing[], bytesMax: number): Outgoing[] {
  let count = 0;
  let bytes = 0;
  while (count < queue.length && count < REQUEST_RECORDS_MAX) {
    bytes += queue[count]!.bytes + RECORD_OVERHEAD_BYTES;
    if (count > 0 && bytes > bytesMax) break;
    count += 1;
  }
  return queue.splice(0, count);
}

/**
 * Records of one request and partition have consecutive offsets, in the order they were given.
 *
 * @throws LogError when a partition is missing in the response: kafkajs forgets a partition whose leader moved
 *   between two attempts to a broker that had answered already, and reports success
 */
function settle(request: readonly Outgoing[], response: readonly RecordMetadata[]): void {
  const next = new Map<number, number>();
  for (const { partition, baseOffset } of response) {
    if (baseOffset !== undefined && Number(baseOffset) >= 0) next.set(partition, Number(baseOffset));
  }
  const unacknowledged = request.find((record) => !next.has(record.chosenPartition));
  if (unacknowledged !== undefined) {
    throw new LogError(
      "log_unavailable",
      `partition ${unacknowledged.chosenPartition} was not acknowledged`,
      {
        retryable: true,
      },
    );
  }
  for (const { append, index, chosenPartition: partition } of request) {
    const offset = next.get(partition)!;
    next.set(partition, offset + 1);
    append.positions[index] = { partition, offset };
    append.remaining -= 1;
    if (append.remaining === 0) append.resolve(append.positions);
  }
}

/** Not waited for: with no broker there it takes as long as all of its attempts, and nobody needs its end. */
function discard(producer: Promise<Producer> | null): void {
  producer?.then((connected) => connected.disconnect()).catch(() => undefined);
}

function outgoing(record: NewRecord, append: Append, index: number, bytes: number): Outgoing {
  const { key, value, headers } = record;
  return {
    key,
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    headers: { ...headers },
    append,
    index,
    bytes,
    chosenPartition: -1,
  };
}

function tooLargeError(topic: Topic, bytes: number, bytesMax: number): LogError {
  return new LogError(
    "record_too_large",
    `a record of ${bytes} bytes for ${topic}, which takes ${bytesMax}`,
    {
      retryable: false,
    },
  );
}

function fullError(topic: Topic): LogError {
  return new LogError(
    "log_full",
    `append to ${topic}: ${QUEUE_BYTES_MAX} bytes are waiting for Kafka already`,
    {
      retryable: true,
    },
  );
}

function closedError(topic: Topic): LogError {
  return new LogError("log_unavailable", `append to ${topic}: the log is closed`, { retryable: false });
}

/** Part of the murmur2 definition. */
const SEED = 0x97_47_b2_8c;
const MULTIPLIER = 0x5b_d1_e9_95;
const SHIFT = 24;

/**
 * The partition of a key: what kafkajs and the Java client choose by default (murmur2 of the UTF-8 bytes, modulo
 * the partitions), so that every producer of a topic agrees. kafkajs computes it with BigInt, at 10 µs for a UUID
 * against 0.7 µs here, where all the rest of a record's way costs about 15 µs. A test holds the two equal.
 *
 * @returns integer in [0, partitionCount)
 */
export function partitionOf(key: string, partitionCount: number): number {
  return (murmur2(Buffer.from(key)) & 0x7f_ff_ff_ff) % partitionCount;
}

function murmur2(data: Buffer): number {
  const { length } = data;
  let hash = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let word = Math.imul(data.readInt32LE(i), MULTIPLIER);
    word = Math.imul(word ^ (word >>> SHIFT), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  const rest = length - i;
  if (rest >= 3) hash ^= data[i + 2]! << 16;
  if (rest >= 2) hash ^= data[i + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ data[i]!, MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
