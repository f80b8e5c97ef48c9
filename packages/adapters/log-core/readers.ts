/**
 * The readers of a log that lives in one process: who holds which partition, and the loop that hands batches over.
 *
 * Membership is kept in memory, because a reader cannot outlive the process; what a group committed is the log's to
 * keep. A reader without news waits for `appended`: no timer runs while a log is idle.
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

/** What readers need from the log they read. Synchronous, so that no append slips between a look and a wait. */
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

export interface Readers extends Pick<EventLog, "subscribe" | "claim"> {
  /** Wakes the readers that wait for records of this partition. */
  appended(topic: Topic, partition: number): void;
  /** @throws LogError `not_assigned` unless a reader of `group` holds the partition */
  assertHeld(group: string, topic: Topic, partition: number): void;
  /** Groups that have a reader of `topic` now. */
  groupsOf(topic: Topic): readonly string[];
  /** Stops every reader after its batch in flight, without waiting for it: a stuck `handle` must not block a stop. */
  close(): void;
}

/** One reader, seen from its group. */
interface Member {
  /** Called at every change of the group with all the partitions that are the member's now. */
  assign(partitions: readonly number[]): void;
}

interface Group {
  readonly name: string;
  readonly topic: Topic;
  readonly members: Member[];
  /** The last work on each partition. The next holder begins when it is done, so no two batches overlap. */
  readonly tails: Map<number, Promise<void>>;
  /** How many readers work on each partition: 0 or 1 for `subscribe`, more when claims overlap it. */
  readonly holders: Map<number, number>;
}

export function createReaders(source: RecordSource): Readers {
  const groups = new Map<string, Group>();
  const waiting = new Map<string, Set<() => void>>();
  const closing = new AbortController();
  let assignments = 0;

  function groupOf(name: string, topic: Topic): Group {
    const id = JSON.stringify([name, topic]);
    let group = groups.get(id);
    if (group === undefined) {
      group = { name, topic, members: [], tails: new Map(), holders: new Map() };
      groups.set(id, group);
    }
    return group;
  }

  function divide({ topic, members }: Group): void {
    const partitions = Array.from({ length: source.partitions(topic) }, (_, partition) => partition);
    for (const [i, member] of members.entries()) {
      member.assign(partitions.filter((partition) => partition % members.length === i));
    }
  }

  function join(group: Group, member: Member): void {
    group.members.push(member);
    divide(group);
  }

  function leave(group: Group, member: Member): void {
    group.members.splice(group.members.indexOf(member), 1);
    member.assign([]);
    divide(group);
  }

  function hold(group: Group, partition: number, change: 1 | -1): void {
    group.holders.set(partition, (group.holders.get(partition) ?? 0) + change);
  }

  function assertOpen(): void {
    if (closing.signal.aborted)
      throw new LogError("log_unavailable", "the log is closed", { retryable: false });
  }

  /** Resolves at the next append to the partition, or when `signal` aborts. */
  function news(topic: Topic, partition: number, signal: AbortSignal): Promise<void> {
    const id = `${topic}/${partition}`;
    const looking = waiting.get(id) ?? new Set();
    waiting.set(id, looking);
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
  async function readPartition(
    group: Group,
    partition: number,
    options: SubscribeOptions,
    signal: AbortSignal,
    handle: (batch: Batch) => Promise<void>,
  ): Promise<void> {
    const { topic } = group;
    const { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX } = options;
    const assignment = ++assignments;
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
        await news(topic, partition, signal);
        continue;
      }
      next = last.offset + 1;
      await handle({
        topic,
        partition,
        records,
        highWatermark: source.high(topic, partition),
        assignment,
        signal,
      });
      // A `handle` that never waits for I/O would otherwise keep the event loop to itself while it catches up.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  return {
    async subscribe(topic, options, handle) {
      assertOpen();
      if (options.signal.aborted) return;
      const group = groupOf(options.group, topic);
      const failed = new AbortController();
      const faults: unknown[] = [];
      const held = new Map<number, AbortController>();
      const running = new Set<Promise<void>>();

      async function work(partition: number, before: Promise<void>, signal: AbortSignal): Promise<void> {
        await before;
        if (signal.aborted) return;
        hold(group, partition, 1);
        try {
          await readPartition(group, partition, options, signal, handle);
        } catch (error) {
          faults.push(error);
          failed.abort();
        } finally {
          hold(group, partition, -1);
        }
      }
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
            const before = group.tails.get(partition) ?? Promise.resolve();
            const tail = work(partition, before, taken.signal);
            group.tails.set(partition, tail);
            running.add(tail);
            void tail.then(() => running.delete(tail));
          }
        },
      };

      join(group, member);
      await firstAbort([options.signal, failed.signal, closing.signal]);
      leave(group, member);
      await Promise.all(running);
      if (faults.length > 0) throw faults[0];
    },

    async *claim(name, topic, signal) {
      assertOpen();
      if (signal.aborted) return;
      const group = groupOf(name, topic);
      let held: readonly number[] = [];
      let changed = new AbortController();
      const member: Member = {
        assign(partitions) {
          for (const partition of held) hold(group, partition, -1);
          for (const partition of partitions) hold(group, partition, 1);
          held = partitions;
          changed.abort();
        },
      };
      join(group, member);
      try {
        for (;;) {
          await firstAbort([changed.signal, signal, closing.signal]);
          if (signal.aborted || closing.signal.aborted) return;
          changed = new AbortController();
          yield held;
        }
      } finally {
        leave(group, member);
      }
    },

    appended(topic, partition) {
      for (const wake of waiting.get(`${topic}/${partition}`) ?? []) wake();
    },

    assertHeld(name, topic, partition) {
      if ((groupOf(name, topic).holders.get(partition) ?? 0) > 0) return;
      const message = `no reader of group ${name} holds partition ${partition} of ${topic}`;
      throw new LogError("not_assigned", message, { retryable: false });
    },

    groupsOf: (topic) =>
      [...groups.values()]
        .filter((group) => group.topic === topic && group.members.length > 0)
        .map((group) => group.name),

    close: () => closing.abort(),
  };
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
