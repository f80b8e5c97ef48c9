/**
 * What the adapter takes from inside kafkajs, all of it here. kafkajs has been at 2.2.4 since 2023, so its inside
 * is as stable as its outside; the version is checked all the same, and a test fails when a piece has moved.
 */
import { createRequire } from "node:module";

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

export interface DriverBroker {
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

export interface FetchedPartition {
  readonly highWatermark: string;
}

/** What a fetch returned, without what the log itself wrote between the records. */
export interface FetchedBatch {
  readonly messages: readonly FetchedMessage[];
  /** Last offset that the fetch went past, even when nothing of it was for us. */
  lastOffset(): string;
}

export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
}

export interface DriverOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: boolean;
  readonly sasl: unknown;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly retry: object;
}

export interface DriverLogger {
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
