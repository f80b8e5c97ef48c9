/**
 * The only file that reaches inside kafkajs. kafkajs has been at 2.2.4 since 2023, so its inside
 * is as stable as its outside; the version is checked all the same, and a test fails when a piece has moved.
 */
import { createRequire } from "node:module";
import { decodeBatches, isCurrentFormat, type DecodedMessage } from "./wire/record-batch.ts";
import type { FetchedMessage } from "./wire/record.ts";

const require = createRequire(import.meta.url);

const VERSION = "2.2.4";

interface RequestQueueClass {
  readonly prototype: { scheduleCheckPendingRequests?: (this: RequestQueueState) => void };
}

interface RequestQueueState {
  readonly pending: readonly unknown[];
}

/** One fetch request needs a connection to a partition's leader, which the public API gives to groups only. */
export interface DriverCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  removeBroker(address: { host: string; port: number }): void;
  findTopicPartitionMetadata(topic: string): readonly { partitionId: number; leader: number }[];
  findBroker(node: { nodeId: string }): Promise<DriverBroker>;
}

interface DriverBroker {
  fetch(request: {
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly rackId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>;
}

interface FetchedPartition {
  readonly highWatermark: string;
}

/** The records of a fetch, without the log's own entries between them. */
export interface FetchedBatch {
  readonly messages: readonly FetchedMessage[];
  /** Last offset that the fetch went past, even when nothing of it was for us. */
  lastOffset(): string;
}

interface DriverOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: unknown;
  readonly sasl: unknown;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly retry: object;
}

interface DriverLogger {
  namespace(name: string): DriverLogger;
  info(message: string, extra?: object): void;
  error(message: string, extra?: object): void;
  warn(message: string, extra?: object): void;
  debug(message: string, extra?: object): void;
}

/** @throws Error when kafkajs is not the version that this file was written for */
export function checkDriverVersion(): void {
  const { version } = require("kafkajs/package.json") as { version: string };
  if (version !== VERSION) {
    throw new Error(
      `kafkajs is ${version}, and packages/adapters/kafka/driver.ts was written for ${VERSION}: review it first`,
    );
  }
}

/** The part of kafkajs' reader of an answer that a decoder of records needs. */
interface AnswerDecoder {
  readonly buffer: Buffer;
  readonly offset: number;
  readInt32(): number;
  readBytes(size: number): Buffer;
}

type DecodeMessages = (answer: AnswerDecoder) => Promise<readonly DecodedMessage[]>;

const DECODER = "kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js";
/** Holds the decoder from its first use on, which must therefore be ours. */
const DECODER_USER = "kafkajs/src/protocol/requests/fetch/v11/response.js";
const INT32_BYTES = 4;

/**
 * Decodes what fetches bring with our own decoder (`record-batch.ts`); kafkajs keeps the formats of before 0.11.
 *
 * Idempotent.
 * @throws Error when the decoder is not there any more, or somebody in this process fetched before
 */
export function replaceDecoder(): void {
  const original = require(DECODER) as DecodeMessages & { readonly [REPLACED]?: true };
  const loaded = require.cache[require.resolve(DECODER)];
  if (typeof original !== "function" || loaded === undefined) {
    throw new Error("kafkajs has no decodeMessages any more: review driver.ts");
  }
  if (original[REPLACED] === true) return;
  if (require.cache[require.resolve(DECODER_USER)] !== undefined) {
    throw new Error("kafkajs was used for reading before packages/adapters/kafka was loaded: load it first");
  }
  const decode: DecodeMessages = async (answer) => {
    const size = answer.buffer.readInt32BE(answer.offset);
    const start = answer.offset + INT32_BYTES;
    if (size <= 0 || !isCurrentFormat(answer.buffer.subarray(start, start + size))) return original(answer);
    return decodeBatches(answer.readBytes(answer.readInt32()));
  };
  loaded.exports = Object.assign(decode, { [REPLACED]: true });
}

interface OffsetManagerClass {
  readonly prototype: {
    setDefaultOffset?: (this: OffsetManagerState, at: TopicPartition) => Promise<void>;
  };
}

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

interface OffsetManagerState {
  readonly memberId: string;
  readonly cluster: {
    fetchTopicsOffset(
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number }[];
        fromBeginning: boolean;
      }[],
    ): Promise<readonly { partitions: readonly { offset: string }[] }[]>;
  };
  readonly resolvedOffsets: Record<string, Record<number, string>>;
  nextOffset(topic: string, partition: number): { toString(): string };
}

/** A member's next offset, and the offsets that the log still has. */
export interface LostPosition extends TopicPartition {
  readonly position: string;
  /** First offset kept. */
  readonly low: string;
}

const positionListeners = new Map<string, (lost: LostPosition) => boolean>();

/**
 * Tells when a member's next offset is not in the log. The listener says whether the member goes on at the first
 * offset that is; otherwise it asks again at the next fetch.
 *
 * @param memberId as in the event of joining
 * @returns stops telling
 */
export function onPositionLost(memberId: string, listener: (lost: LostPosition) => boolean): () => void {
  positionListeners.set(memberId, listener);
  return () => positionListeners.delete(memberId);
}

/**
 * Keeps kafkajs from committing its default offset, without metadata, when a member's next offset is not in the log:
 * that erases what the group committed there, and skips records without a word.
 *
 * Idempotent.
 * @throws Error when the method is not there any more
 */
export function keepCommitted(): void {
  const { prototype } = require("kafkajs/src/consumer/offsetManager/index.js") as OffsetManagerClass;
  const original = prototype.setDefaultOffset;
  if (typeof original !== "function") {
    throw new Error("kafkajs has no OffsetManager.setDefaultOffset any more: review driver.ts");
  }
  if (Object.hasOwn(original, KEPT)) return;
  const kept = async function (
    this: OffsetManagerState,
    { topic, partition }: TopicPartition,
  ): Promise<void> {
    const [found] = await this.cluster.fetchTopicsOffset([
      { topic, partitions: [{ partition }], fromBeginning: true },
    ]);
    const low = found!.partitions[0]!.offset;
    const position = this.nextOffset(topic, partition).toString();
    const goesOn = positionListeners.get(this.memberId)?.({ topic, partition, position, low }) ?? false;
    if (goesOn) this.resolvedOffsets[topic]![partition] = low;
  };
  prototype.setDefaultOffset = Object.assign(kept, { [KEPT]: true });
}

const KEPT = Symbol.for("plumbline.kafka.committed");
const REPLACED = Symbol.for("plumbline.kafka.decoder");
const GUARDED = Symbol.for("plumbline.kafka.timer-guard");

/**
 * Stops the timer that each connection re-arms every millisecond for ever: kafkajs computes the delay from "not
 * throttled" (-1) minus now, a negative number, which `setTimeout` reads as 1. Measured on an idle producer and
 * consumer: 6% of a core without, 0.5% with. A queue without pending requests needs no timer, and pushing a
 * request arms it.
 *
 * Idempotent.
 * @throws Error when the method is not there any more
 */
export function guardIdleTimer(): void {
  const { prototype } = require("kafkajs/src/network/requestQueue/index.js") as RequestQueueClass &
    Record<symbol, boolean>;
  const original = prototype.scheduleCheckPendingRequests;
  if (typeof original !== "function") {
    throw new Error("kafkajs has no RequestQueue.scheduleCheckPendingRequests any more: review driver.ts");
  }
  if (Object.hasOwn(original, GUARDED)) return;
  const guarded = function (this: RequestQueueState): void {
    if (this.pending.length > 0) original.call(this);
  };
  prototype.scheduleCheckPendingRequests = Object.assign(guarded, { [GUARDED]: true });
}

/** More repetitions than an outage lasts. */
const RETRIES_WITHOUT_END = 1_000_000_000;

/**
 * A number of repetitions for kafkajs: without end until `signal` aborts, none from then on. kafkajs compares it
 * before each repetition, which asks `valueOf` anew. A plain number is either too small, and a reader that gives
 * up comes back as a new member, whose group waits for the old one's session to end; or too large, and a reader
 * without a broker cannot be stopped.
 */
export function retriesUntil(signal: AbortSignal): number {
  return { valueOf: () => (signal.aborted ? 0 : RETRIES_WITHOUT_END) } as unknown as number;
}

/** Connections for reading without a group. Not connected yet. */
export function createDriverCluster(options: DriverOptions, logger: DriverLogger): DriverCluster {
  const Cluster = require("kafkajs/src/cluster/index.js") as new (options: object) => DriverCluster;
  const socketFactory = require("kafkajs/src/network/socketFactory.js") as () => unknown;
  return new Cluster({
    ...options,
    logger,
    socketFactory: socketFactory(),
    enforceRequestTimeout: true,
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    offsets: new Map(),
  });
}

/** @param fetchOffset what was asked for: Kafka may answer with a whole batch that begins earlier */
export function fetchedBatch(topic: string, fetchOffset: number, fetched: FetchedPartition): FetchedBatch {
  const Batch = require("kafkajs/src/consumer/batch.js") as new (
    topic: string,
    fetchedOffset: string,
    fetched: FetchedPartition,
  ) => FetchedBatch;
  return new Batch(topic, String(fetchOffset), fetched);
}

export function createDriverLogger(write: (entry: DriverLogEntry) => void): DriverLogger {
  const { createLogger, LEVELS } = require("kafkajs/src/loggers/index.js") as {
    createLogger: (options: {
      level: number;
      logCreator: () => (entry: DriverLogEntry) => void;
    }) => DriverLogger;
    LEVELS: { INFO: number };
  };
  return createLogger({ level: LEVELS.INFO, logCreator: () => write });
}

/** As kafkajs hands a line to a log creator. */
export interface DriverLogEntry {
  readonly namespace: string;
  /** 1 error, 2 warn, 4 info, 5 debug. */
  readonly level: number;
  readonly log: { readonly message: string; readonly [field: string]: unknown };
}

/** The text that kafkajs gives to a broker's error code. Its log lines carry the text alone. */
export function brokerErrorText(type: string): string {
  const { errorCodes } = require("kafkajs/src/protocol/error.js") as {
    errorCodes: readonly { type: string; message: string }[];
  };
  const found = errorCodes.find((each) => each.type === type);
  if (found === undefined) throw new Error(`kafkajs knows no error ${type}`);
  return found.message;
}
