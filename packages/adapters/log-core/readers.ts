/**
 * The readers of a log that lives in one process: who holds which partition, and the loop that hands batches over.
 *
 * Membership is kept in memory; what a group committed is the log's to keep. A reader without news waits for `appended`:
 * no timer runs while a log is idle.
 */
import {
  LogError,
  READ_BYTES_MAX,
  READ_RECORDS_MAX,
  type Batch,
  type Committed,
  type EventLog,
  type Gap,
  type LogRecord,
  type ReadLimits,
  type SubscribeOptions,
} from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import { Group, type Member } from "./group.ts";

/** The log as its readers need it. Synchronous, so that no append slips between a look and a wait. */
interface RecordSource {
  partitions(topic: Topic): number;
  /** Durable records from offset `from` on, within the limits; at least one when there is one. */
  readBatch(
    topic: Topic,
    partition: number,
    from: number,
    limits: Required<ReadLimits>,
  ): readonly LogRecord[];
  /** First offset that is kept. */
  low(topic: Topic, partition: number): number;
  /** One past the last durable offset. */
  high(topic: Topic, partition: number): number;
  /** Null when the group never committed. */
  committed(group: string, topic: Topic, partition: number): Committed | null;
}

type Handle = (batch: Batch) => Promise<void>;

export class Readers implements Pick<EventLog, "subscribe" | "claim"> {
  readonly #source: RecordSource;
  readonly #groups = new Map<string, Group>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #closing = new AbortController();
  #assignments = 0;

  constructor(source: RecordSource) {
    this.#source = source;
  }

  async subscribe(topic: Topic, options: SubscribeOptions, handle: Handle): Promise<void> {
    this.#assertOpen();
    if (options.signal.aborted) return;
    const group = this.#groupOf(options.group, topic);
    const failed = new AbortController();
    const faults: unknown[] = [];
    const held = new Map<number, AbortController>();
    const running = new Set<Promise<void>>();

    const work = async (partition: number, signal: AbortSignal): Promise<void> => {
      if (signal.aborted) return;
      group.hold(partition);
      try {
        await this.#readPartition(group, partition, options, signal, handle);
      } catch (error) {
        faults.push(error);
        failed.abort();
      } finally {
        group.release(partition);
      }
    };
    const member: Member = {
      assign(partitions) {
        for (const [partition, taken] of held) {
          if (partitions.includes(partition)) continue;
          held.delete(partition);
          taken.abort();
        }
        for (const partition of partitions) {
          if (held.has(partition)) continue;
          const taken = new AbortController();
          held.set(partition, taken);
          const tail = group.inTurn(partition, () => work(partition, taken.signal));
          running.add(tail);
          void tail.then(() => running.delete(tail));
        }
      },
    };

    group.join(member);
    await firstAbort([options.signal, failed.signal, this.#closing.signal]);
    group.leave(member);
    await Promise.all(running);
    if (faults.length > 0) throw faults[0];
  }

  async *claim(name: string, topic: Topic, signal: AbortSignal): AsyncGenerator<readonly number[]> {
    this.#assertOpen();
    if (signal.aborted) return;
    const group = this.#groupOf(name, topic);
    let held: readonly number[] = [];
    let changed = new AbortController();
    const member: Member = {
      assign(partitions) {
        for (const partition of held) group.release(partition);
        for (const partition of partitions) group.hold(partition);
        held = partitions;
        changed.abort();
      },
    };
    group.join(member);
    try {
      for (;;) {
        await firstAbort([changed.signal, signal, this.#closing.signal]);
        if (signal.aborted || this.#closing.signal.aborted) return;
        changed = new AbortController();
        yield held;
      }
    } finally {
      group.leave(member);
    }
  }

  /** Wakes the readers that wait for records of this partition. */
  appended(topic: Topic, partition: number): void {
    for (const wake of this.#waiting.get(`${topic}/${partition}`) ?? []) wake();
  }

  /** @throws LogError `not_assigned` unless a reader of the group holds the partition */
  assertHeld(name: string, topic: Topic, partition: number): void {
    if (this.#groupOf(name, topic).isHeld(partition)) return;
    const message = `no reader of group ${name} holds partition ${partition} of ${topic}`;
    throw new LogError("not_assigned", message, { retryable: false });
  }

  /** Groups that have a reader of `topic` now. */
  groupsOf(topic: Topic): readonly string[] {
    return [...this.#groups.values()]
      .filter((group) => group.topic === topic && group.hasMembers)
      .map((group) => group.name);
  }

  /** Stops every reader after its batch in flight, without waiting for it: a stuck `handle` must not block a stop. */
  close(): void {
    this.#closing.abort();
  }

  #groupOf(name: string, topic: Topic): Group {
    const id = JSON.stringify([name, topic]);
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new Group(name, topic, this.#source.partitions(topic));
      this.#groups.set(id, group);
    }
    return group;
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted)
      throw new LogError("log_unavailable", "the log is closed", { retryable: false });
  }

  /** Resolves at the next append to the partition, or when `signal` aborts. */
  #news(topic: Topic, partition: number, signal: AbortSignal): Promise<void> {
    const id = `${topic}/${partition}`;
    const looking = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, looking);
    return new Promise((resolve) => {
      const wake = (): void => {
        looking.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      looking.add(wake);
      signal.addEventListener("abort", wake);
      if (signal.aborted) wake();
    });
  }

  /** Hands over the batches of one partition until `signal` aborts. */
  async #readPartition(
    group: Group,
    partition: number,
    options: SubscribeOptions,
    signal: AbortSignal,
    handle: Handle,
  ): Promise<void> {
    const { topic } = group;
    const source = this.#source;
    const { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX } = options;
    const assignment = ++this.#assignments;
    await options.onAssigned?.({ topic, partition, assignment, signal });
    let next = source.committed(group.name, topic, partition)?.offset ?? source.low(topic, partition);
    while (!signal.aborted) {
      const low = source.low(topic, partition);
      if (next < low) {
        await options.onGap(expired({ topic, partition, from: next, to: low - 1, assignment, signal }));
        next = low;
        continue;
      }
      const records = source.readBatch(topic, partition, next, { recordsMax, bytesMax });
      const last = records.at(-1);
      if (last === undefined) {
        await this.#news(topic, partition, signal);
        continue;
      }
      next = last.offset + 1;
      const highWatermark = source.high(topic, partition);
      await handle({ topic, partition, records, highWatermark, assignment, signal });
      // A `handle` that never waits for I/O would otherwise keep the event loop to itself while it catches up.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function expired(gap: Omit<Gap, "reason" | "detail">): Gap {
  const detail = "the log removed them before the group had come to them";
  return { ...gap, reason: "expired", detail };
}

/** Resolves when one of the signals has aborted, and leaves no listener behind on the others. */
function firstAbort(signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const signal of signals) signal.removeEventListener("abort", settle);
      resolve();
    };
    for (const signal of signals) signal.addEventListener("abort", settle);
    if (signals.some((signal) => signal.aborted)) settle();
  });
}
