import { assertMetadataFits } from "../log-core/record-size.ts";
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
import { handOvers, toOffset } from "./wire/record.ts";

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

interface GroupReaderOptions extends SubscribeOptions {
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly logger: KafkaLogger;
  /** A number never given out before. */
  nextAssignment(): number;
}

/** Reads one topic as a member of a group. */
export class GroupReader {
  /** Resolves when the stop signal aborted and the batches in flight are finished. */
  readonly finished: Promise<void>;
  private readonly createClient: (retry: RetryOptions) => Kafka;
  private readonly topic: Topic;
  private readonly options: GroupReaderOptions;
  private readonly group: string;
  private readonly logger: KafkaLogger;
  private readonly handle: (batch: Batch) => Promise<void>;
  private readonly stop = new AbortController();
  /** By partition. */
  private readonly flights = new Map<number, Flight>();
  /** Offsets that the broker has confirmed as committed, by partition. */
  private readonly confirmed = new Map<number, string>();
  private held: ReadonlySet<number> = new Set();
  private assignment = 0;
  private consumer: Consumer | null = null;
  private landed = (): void => undefined;
  private readonly faults: unknown[] = [];

  constructor(
    createClient: (retry: RetryOptions) => Kafka,
    topic: Topic,
    options: GroupReaderOptions,
    handle: (batch: Batch) => Promise<void>,
  ) {
    this.createClient = createClient;
    this.topic = topic;
    this.options = options;
    this.group = options.group;
    this.logger = options.logger;
    this.handle = handle;
    const { signal } = options;
    if (signal.aborted) this.onStop();
    signal.addEventListener("abort", this.onStop, { once: true });
    this.finished = this.run();
  }

  holds(partition: number): boolean {
    return this.held.has(partition);
  }

  /** @throws LogError `not_assigned` when the partition belongs to somebody else by now */
  async commit(partition: number, { offset, metadata }: Committed): Promise<void> {
    assertMetadataFits(metadata);
    const doing = `commit ${offset} of ${this.topic}/${partition} for ${this.group}`;
    const flight = this.flights.get(partition);
    const lost = (): LogError =>
      new LogError("not_assigned", `${doing}: the partition is not held`, { retryable: false });
    if (this.consumer === null || !this.held.has(partition) || flight?.isStale === true) throw lost();
    const next = String(offset);
    this.confirmed.delete(partition);
    try {
      await this.consumer.commitOffsets([{ topic: this.topic, partition, offset: next, metadata }]);
    } catch (error) {
      const failure = toLogError(error, doing);
      if (failure.code === "not_assigned" && flight !== undefined) {
        flight.lostBecause ??= error;
        flight.isStale = true;
      }
      throw failure;
    }
    // kafkajs resolves without committing when it was stopped meanwhile.
    if (this.confirmed.get(partition) !== next) throw lost();
  }

  private async run(): Promise<void> {
    try {
      await runMembership(this.createClient, {
        group: this.group,
        topic: this.topic,
        signal: this.stop.signal,
        sessionMs: this.options.sessionMs,
        heartbeatMs: this.options.heartbeatMs,
        logger: this.logger,
        eachBatch: (payload) => this.eachBatch(payload),
        finish: () => this.whenLanded(),
        onAssigned: (partitions, member) => this.onAssigned(partitions, member),
        onPositionLost: (lost) => this.onPositionLost(lost),
        onLost: () => {
          this.held = new Set();
          this.loseAll(rejoin("the partitions were taken away"));
        },
        onCommitted: (partition, offset) => this.confirmed.set(partition, offset),
      });
    } catch (error) {
      this.faults.push(error);
    } finally {
      this.held = new Set();
      this.options.signal.removeEventListener("abort", this.onStop);
    }
    if (this.faults.length > 0) throw this.faults[0];
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    if (this.stop.signal.aborted) {
      // Fetched while the last batches finish: not again.
      payload.pause();
      return;
    }
    const { partition } = batch;
    const { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX } = this.options;
    const handedOver = { topic: this.topic, partition, assignment: this.assignment };
    const highWatermark = toOffset(batch.highWatermark);
    const flight = await this.fly(partition, async (flying) => {
      const { signal: flightSignal } = flying.abort;
      for (const next of handOvers(partition, batch.messages, { recordsMax, bytesMax })) {
        if (this.stop.signal.aborted || flying.lostBecause !== undefined) break;
        await this.keepAlive(payload, () =>
          "unreadable" in next
            ? this.tell({ ...handedOver, ...next.unreadable, reason: "unreadable", signal: flightSignal })
            : this.handle({ ...handedOver, records: next.records, highWatermark, signal: flightSignal }),
        );
        payload.resolveOffset(
          String("unreadable" in next ? next.unreadable.to : next.records.at(-1)!.offset),
        );
      }
    });
    // Tells kafkajs to rejoin; the new assignment begins at the committed offset.
    if (flight.lostBecause !== undefined && !this.stop.signal.aborted) throw flight.lostBecause;
  }

  /** Does work on a partition; a fault of it stops the reader. */
  private async fly(partition: number, work: (flight: Flight) => Promise<void>): Promise<Flight> {
    const flight: Flight = { abort: new AbortController(), lostBecause: undefined, isStale: false };
    this.flights.set(partition, flight);
    try {
      await work(flight);
    } catch (error) {
      if (!(flight.isStale && isConsequence(error, flight.abort.signal))) this.fail(error);
    } finally {
      this.flights.delete(partition);
      if (this.flights.size === 0) this.landed();
    }
    return flight;
  }

  private fail(error: unknown): void {
    this.faults.push(error);
    this.stop.abort(error);
    for (const flight of this.flights.values()) flight.abort.abort(error);
  }

  private async tell(gap: Gap): Promise<void> {
    const { partition, from, to, reason, detail } = gap;
    this.logger.warn(
      { group: this.group, topic: this.topic, partition, from, to, reason, detail },
      "kafka.gap",
    );
    await this.options.onGap(gap);
  }

  /** Retention overtook the group: what it removed is told before the partition is read on. */
  private onPositionLost(lost: LostPosition): boolean {
    const { partition } = lost;
    const [position, low] = [toOffset(lost.position), toOffset(lost.low)];
    if (this.stop.signal.aborted || this.flights.has(partition)) return false;
    if (position >= low) {
      this.fail(pastTheEnd(this.group, this.topic, partition, position));
      return false;
    }
    const member = this.consumer;
    const paused = [{ topic: this.topic, partitions: [partition] }];
    // Paused and not waited for, because kafkajs sends heartbeats between its fetches only.
    member?.pause(paused);
    const gap = {
      topic: this.topic,
      partition,
      assignment: this.assignment,
      from: position,
      to: low - 1,
      reason: "expired" as const,
    };
    const detail = "Kafka's retention removed them before the group had come to them";
    void this.fly(partition, ({ abort }) => this.tell({ ...gap, detail, signal: abort.signal })).then(() =>
      member?.resume(paused),
    );
    return true;
  }

  /**
   * Heartbeats while `work` runs, for kafkajs sends none in the meantime. Not for ever: a stuck handler must not
   * keep its partitions.
   */
  private async keepAlive(member: EachBatchPayload, work: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + HANDLE_MS;
    let handover: NodeJS.Timeout | undefined;
    const beat = (): void => {
      if (performance.now() > deadline) {
        clearInterval(ticker);
        this.logger.warn(
          { group: this.group, topic: this.topic, handle_ms: HANDLE_MS },
          "kafka.handler_stuck",
        );
        this.loseAll(rejoin(`a batch took longer than ${HANDLE_MS} ms`));
        return;
      }
      member.heartbeat().catch((error: unknown) => {
        // Without an answer the session may still be alive; the next beat tells.
        if (!isLostAssignment(error)) return;
        for (const each of this.flights.values()) each.lostBecause ??= error;
        if (mayStillCommit(error)) handover ??= setTimeout(() => this.loseAll(error), HANDOVER_MS);
        else this.loseAll(error);
      });
    };
    const ticker = setInterval(beat, this.options.heartbeatMs / 2);
    try {
      await work();
    } finally {
      clearInterval(ticker);
      clearTimeout(handover);
    }
  }

  /** Every partition at once: the group protocol takes all of a member's partitions when it changes. */
  private loseAll(reason: unknown): void {
    for (const flight of this.flights.values()) {
      flight.lostBecause ??= reason;
      flight.isStale = true;
      flight.abort.abort(reason);
    }
  }

  private onAssigned(partitions: readonly number[], member: Consumer): void {
    this.loseAll(rejoin("the partitions were assigned anew"));
    this.assignment = this.options.nextAssignment();
    this.held = new Set(partitions);
    this.consumer = member;
    this.logger.info(
      { group: this.group, topic: this.topic, partitions, assignment: this.assignment },
      "kafka.assigned",
    );
  }

  /** Resolves when nothing is in flight. */
  private whenLanded(): Promise<void> {
    return new Promise((resolve) => {
      if (this.flights.size === 0) resolve();
      else this.landed = resolve;
    });
  }

  private readonly onStop = (): void => {
    const { reason } = this.options.signal;
    this.stop.abort(reason);
    for (const flight of this.flights.values()) flight.abort.abort(reason);
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
