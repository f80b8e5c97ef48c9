import { LogError } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Consumer, EachBatchHandler, Kafka, RetryOptions } from "kafkajs";
import type { KafkaLogger } from "./driver-log.ts";
import { RETRY } from "./client.ts";
import { onPositionLost, retriesUntil, type LostPosition } from "./driver.ts";
import { toLogError } from "./errors.ts";

/**
 * An empty fetch waits this long at the broker, and stopping waits for a fetch to come back. A single new record
 * ends the wait at once.
 */
const FETCH_WAIT_MS = 500;
/** At 1 KB a call: 8,000 records a partition, about one batch of the writer. */
const FETCH_PARTITION_BYTES = 8 * 1_048_576;
const FETCH_BYTES = 32 * 1_048_576;
/** Longest time for members to come back when the group changes; they finish their batches first. */
const REBALANCE_MS = 120_000;
const CONCURRENT_PARTITIONS = 4;
/** Wait before a member that was thrown out comes back: as long as kafkajs itself waits. */
const COME_BACK_MS = 1_000;
/** Longest wait, when stopping, for a member that is just about to join: left alone it would join afterwards. */
const JOIN_WAIT_MS = 15_000;

interface MembershipOptions {
  readonly group: string;
  readonly topic: Topic;
  /** Stop: finish the batches in flight and leave the group. */
  readonly signal: AbortSignal;
  /** A member silent for this long loses its partitions, ms. */
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly logger: KafkaLogger;
  readonly eachBatch: EachBatchHandler;
  /** The member holds exactly these partitions from now on, at their committed offsets. */
  onAssigned(partitions: readonly number[], consumer: Consumer): void;
  /** The member's next offset is not in the log. Returns whether to go on at the first one that is. */
  onPositionLost?(lost: LostPosition): boolean;
  /** The member holds nothing until the next `onAssigned`. */
  onLost(): void;
  /** Awaited before leaving: from then on kafkajs ignores commits, and says they succeeded. */
  finish?(): Promise<void>;
  onCommitted?(partition: number, offset: string): void;
}

/**
 * Kafka's name of a group of ours. The protocol wants every member of a group to read the same topics; ours may
 * read several, so each topic gets a group of its own.
 */
export function groupIdOf(group: string, topic: Topic): string {
  return `${group}.${topic}`;
}

/**
 * Is a member of a group until `signal` aborts, then leaves it and resolves. Lives through outages and broker
 * restarts, rejoining for as long as it takes.
 *
 * @throws LogError when the group or topic can't be read at all
 */
export async function runMembership(
  createClient: (retry: RetryOptions) => Kafka,
  options: MembershipOptions,
): Promise<void> {
  const { group, topic, signal, logger } = options;
  while (!signal.aborted) {
    try {
      await runMember(createClient, options);
    } catch (error) {
      if (!isPassing(error)) throw error;
      logger.warn({ group, topic, err: error }, "kafka.reader_returning");
      await waitMs(COME_BACK_MS);
    }
  }
}

/**
 * kafkajs gives up on answers that a new member would not get: its session ran out while the process was held up, or
 * no broker coordinates the group just after a restart.
 */
function isPassing(error: unknown): boolean {
  return error instanceof LogError && (error.retryable || error.code === "not_assigned");
}

/** One member, from joining to leaving. @throws LogError when kafkajs gives it up */
async function runMember(
  createClient: (retry: RetryOptions) => Kafka,
  options: MembershipOptions,
): Promise<void> {
  const { group, topic, signal, sessionMs, heartbeatMs, logger } = options;
  const retry = { ...RETRY, retries: retriesUntil(signal) };
  const consumer = createClient(retry).consumer({
    groupId: groupIdOf(group, topic),
    sessionTimeout: sessionMs,
    heartbeatInterval: heartbeatMs,
    rebalanceTimeout: REBALANCE_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    minBytes: 1,
    maxBytesPerPartition: FETCH_PARTITION_BYTES,
    maxBytes: FETCH_BYTES,
    allowAutoTopicCreation: false,
    retry: { ...retry, restartOnFailure: async () => !signal.aborted },
  });

  // kafkajs forgets a stop that arrives while it is joining, so a stop waits until it has joined or given up.
  let isJoining = false;
  let joinSettled = (): void => undefined;
  let isOver = false;
  let forgetMember = (): void => undefined;
  let fail = (_error: unknown): void => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => undefined);

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    isJoining = false;
    joinSettled();
    if (isOver) {
      consumer.disconnect().catch(() => undefined);
      return;
    }
    forgetMember();
    forgetMember = onPositionLost(payload.memberId, (lost) => options.onPositionLost?.(lost) ?? true);
    options.onAssigned(payload.memberAssignment[topic] ?? [], consumer);
  });
  consumer.on(consumer.events.REBALANCING, () => options.onLost());
  consumer.on(consumer.events.STOP, () => options.onLost());
  consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    for (const { partitions } of payload.topics) {
      for (const { partition, offset } of partitions) options.onCommitted?.(partition, String(offset));
    }
  });
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    options.onLost();
    isJoining = restart;
    if (restart) {
      logger.warn({ group, topic, err: error }, "kafka.reader_restarting");
      return;
    }
    fail(toLogError(error, `read ${topic} as ${group}`));
    joinSettled();
  });

  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    isJoining = true;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
      eachBatch: options.eachBatch,
    });
    await Promise.race([aborted(signal), failed]);
  } catch (error) {
    if (!signal.aborted) throw toLogError(error, `read ${topic} as ${group}`);
  } finally {
    if (isJoining && signal.aborted) {
      const settled = new Promise<void>((resolve) => (joinSettled = resolve));
      await Promise.race([settled, waitMs(JOIN_WAIT_MS)]);
    }
    await options.finish?.();
    isOver = true;
    forgetMember();
    await consumer.disconnect().catch((error: unknown) => {
      logger.warn({ group, topic, err: error }, "kafka.reader_not_disconnected");
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function waitMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
