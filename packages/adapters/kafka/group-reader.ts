import { assertMetadataFits } from "../log-core/metadata-size.ts";
import {
  LogError,
  READ_BYTES_MAX,
  READ_RECORDS_MAX,
  type Batch,
  type Committed,
  type Gap,
  type SubscribeOptions,
} from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Consumer, EachBatchPayload, Kafka, RetryOptions } from "kafkajs";
import type { KafkaLogger } from "./driver-log.ts";
import type { LostPosition } from "./driver.ts";
import { brokerErrorType, isLostAssignment, toLogError } from "./errors.ts";
import { groupIdOf, runMembership } from "./membership.ts";
import { handOvers, toOffset } from "./record.ts";

/**
 * A batch in flight when the group changes may finish within this, while the whole group waits: cheaper than to
 * do it again elsewhere.
 */
const HANDOVER_MS = 5_000;
/** A handler that takes longer counts as stuck: no more heartbeats are sent for it, its partitions move on. */
const HANDLE_MS = 300_000;

/** One batch, or one gap, being handled. */
interface Flight {
  readonly abort: AbortController;
  /** Set once the partition is not ours any more, or must be given up after this batch. */
  lostBecause: unknown;
  /** Nothing may be committed any more. */
  isStale: boolean;
}

export interface GroupReader {
  /** Resolves when the stop signal aborted and the batches in flight are finished. */
  readonly finished: Promise<void>;
  holds(partition: number): boolean;
  /** @throws LogError `not_assigned` when the partition belongs to somebody else by now */
  commit(partition: number, committed: Committed): Promise<void>;
}

interface GroupReaderOptions extends SubscribeOptions {
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly logger: KafkaLogger;
  /** A number never given out before. */
  nextAssignment(): number;
}

/** Reads one topic as a member of a group. */
export function startGroupReader(
  createClient: (retry: RetryOptions) => Kafka,
  topic: Topic,
  options: GroupReaderOptions,
  handle: (batch: Batch) => Promise<void>,
): GroupReader {
  const {
    group,
    signal,
    sessionMs,
    heartbeatMs,
    logger,
    onGap,
    recordsMax = READ_RECORDS_MAX,
    bytesMax = READ_BYTES_MAX,
  } = options;
  const stop = new AbortController();
  const flights = new Map<number, Flight>();
  const confirmed = new Map<number, string>();
  let held: ReadonlySet<number> = new Set();
  let assignment = 0;
  let consumer: Consumer | null = null;
  let landed = (): void => undefined;
  const faults: unknown[] = [];

  const onStop = (): void => {
    stop.abort(signal.reason);
    for (const flight of flights.values()) flight.abort.abort(signal.reason);
  };
  if (signal.aborted) onStop();
  signal.addEventListener("abort", onStop, { once: true });

  /** Every partition at once: the group protocol takes all of a member's partitions when it changes. */
  const loseAll = (reason: unknown): void => {
    for (const flight of flights.values()) {
      flight.lostBecause ??= reason;
      flight.isStale = true;
      flight.abort.abort(reason);
    }
  };

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    if (stop.signal.aborted) {
      // Fetched while the last batches finish: not again.
      payload.pause();
      return;
    }
    const { partition } = batch;
    const handedOver = { topic, partition, assignment };
    const highWatermark = toOffset(batch.highWatermark);
    const flight = await fly(partition, async (flying) => {
      const { signal: flightSignal } = flying.abort;
      for (const next of handOvers(partition, batch.messages, { recordsMax, bytesMax })) {
        if (stop.signal.aborted || flying.lostBecause !== undefined) break;
        await keepAlive(payload, () =>
          "unreadable" in next
            ? tell({ ...handedOver, ...next.unreadable, reason: "unreadable", signal: flightSignal })
            : handle({ ...handedOver, records: next.records, highWatermark, signal: flightSignal }),
        );
        payload.resolveOffset(
          String("unreadable" in next ? next.unreadable.to : next.records.at(-1)!.offset),
        );
      }
    });
    // Tells kafkajs to rejoin; the new assignment begins at the committed offset.
    if (flight.lostBecause !== undefined && !stop.signal.aborted) throw flight.lostBecause;
  }

  /** Does work on a partition; a fault of it stops the reader. */
  async function fly(partition: number, work: (flight: Flight) => Promise<void>): Promise<Flight> {
    const flight: Flight = { abort: new AbortController(), lostBecause: undefined, isStale: false };
    flights.set(partition, flight);
    try {
      await work(flight);
    } catch (error) {
      if (!(flight.isStale && isConsequence(error, flight.abort.signal))) fail(error);
    } finally {
      flights.delete(partition);
      if (flights.size === 0) landed();
    }
    return flight;
  }

  function fail(error: unknown): void {
    faults.push(error);
    stop.abort(error);
    for (const flight of flights.values()) flight.abort.abort(error);
  }

  async function tell(gap: Gap): Promise<void> {
    const { partition, from, to, reason, detail } = gap;
    logger.warn({ group, topic, partition, from, to, reason, detail }, "kafka.gap");
    await onGap(gap);
  }

  /** Retention overtook the group: what it removed is told before the partition is read on. */
  function onPositionLost(lost: LostPosition): boolean {
    const { partition } = lost;
    const [position, low] = [toOffset(lost.position), toOffset(lost.low)];
    if (stop.signal.aborted || flights.has(partition)) return false;
    if (position >= low) {
      fail(pastTheEnd(group, topic, partition, position));
      return false;
    }
    const member = consumer;
    const paused = [{ topic, partitions: [partition] }];
    // Paused and not waited for, because kafkajs sends heartbeats between its fetches only.
    member?.pause(paused);
    const gap = { topic, partition, assignment, from: position, to: low - 1, reason: "expired" as const };
    const detail = "Kafka's retention removed them before the group had come to them";
    void fly(partition, ({ abort }) => tell({ ...gap, detail, signal: abort.signal })).then(() =>
      member?.resume(paused),
    );
    return true;
  }

  /**
   * Heartbeats while `work` runs, for kafkajs sends none in the meantime. Not for ever: a stuck handler must not
   * keep its partitions.
   */
  async function keepAlive(member: EachBatchPayload, work: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + HANDLE_MS;
    let handover: NodeJS.Timeout | undefined;
    const beat = (): void => {
      if (performance.now() > deadline) {
        clearInterval(ticker);
        logger.warn({ group, topic, handle_ms: HANDLE_MS }, "kafka.handler_stuck");
        loseAll(rejoin(`a batch took longer than ${HANDLE_MS} ms`));
        return;
      }
      member.heartbeat().catch((error: unknown) => {
        // Without an answer the session may still be alive; the next beat tells.
        if (!isLostAssignment(error)) return;
        for (const each of flights.values()) each.lostBecause ??= error;
        if (mayStillCommit(error)) handover ??= setTimeout(() => loseAll(error), HANDOVER_MS);
        else loseAll(error);
      });
    };
    const ticker = setInterval(beat, heartbeatMs / 2);
    try {
      await work();
    } finally {
      clearInterval(ticker);
      clearTimeout(handover);
    }
  }

  async function run(): Promise<void> {
    try {
      await runMembership(createClient, {
        group,
        topic,
        signal: stop.signal,
        sessionMs,
        heartbeatMs,
        logger,
        eachBatch,
        finish: () => new Promise((resolve) => (flights.size === 0 ? resolve() : (landed = resolve))),
        onAssigned(partitions, member) {
          loseAll(rejoin("the partitions were assigned anew"));
          assignment = options.nextAssignment();
          held = new Set(partitions);
          consumer = member;
          logger.info({ group, topic, partitions, assignment }, "kafka.assigned");
        },
        onPositionLost,
        onLost() {
          held = new Set();
          loseAll(rejoin("the partitions were taken away"));
        },
        onCommitted: (partition, offset) => confirmed.set(partition, offset),
      });
    } catch (error) {
      faults.push(error);
    } finally {
      held = new Set();
      signal.removeEventListener("abort", onStop);
    }
    if (faults.length > 0) throw faults[0];
  }

  return {
    finished: run(),
    holds: (partition) => held.has(partition),
    async commit(partition, { offset, metadata }) {
      assertMetadataFits(metadata);
      const doing = `commit ${offset} of ${topic}/${partition} for ${group}`;
      const flight = flights.get(partition);
      const lost = (): LogError =>
        new LogError("not_assigned", `${doing}: the partition is not held`, { retryable: false });
      if (consumer === null || !held.has(partition) || flight?.isStale === true) throw lost();
      const next = String(offset);
      confirmed.delete(partition);
      try {
        await consumer.commitOffsets([{ topic, partition, offset: next, metadata }]);
      } catch (error) {
        const failure = toLogError(error, doing);
        if (failure.code === "not_assigned" && flight !== undefined) {
          flight.lostBecause ??= error;
          flight.isStale = true;
        }
        throw failure;
      }
      // kafkajs resolves without committing when it was stopped meanwhile.
      if (confirmed.get(partition) !== next) throw lost();
    },
  };
}

/** Records were lost that this group had read, or the topic is another one of the same name: nothing is safe to guess. */
function pastTheEnd(group: string, topic: Topic, partition: number, position: number): LogError {
  const groupId = groupIdOf(group, topic);
  return new LogError(
    "topic_mismatch",
    `${groupId} comes to offset ${position} of ${topic}/${partition} next, which is past its end: the topic was made ` +
      "anew, or lost records that were read (unclean leader election). Restore it, or give the group another place: " +
      `kafka-consumer-groups.sh --reset-offsets --group ${groupId} --topic ${topic}:${partition} --to-latest --execute`,
    { retryable: false },
  );
}

/** A rejection that says no more than that the partition is gone: the batch is dropped, which is what was asked. */
function isConsequence(error: unknown, signal: AbortSignal): boolean {
  if (error instanceof LogError && error.code === "not_assigned") return true;
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

/** While members are still being gathered the broker takes commits of the old generation. */
function mayStillCommit(error: unknown): boolean {
  return brokerErrorType(error) === "REBALANCE_IN_PROGRESS";
}

/** An error that kafkajs takes for the broker's "rejoin". */
function rejoin(message: string): Error {
  return Object.assign(new Error(message), { type: "REBALANCE_IN_PROGRESS" });
}
