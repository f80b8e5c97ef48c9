import type { Topic } from "@plumbline/schemas";
import type { Kafka, RetryOptions } from "kafkajs";
import type { KafkaLogger } from "./driver-log.ts";
import { runMembership } from "./membership.ts";

interface ClaimOptions {
  readonly group: string;
  readonly topic: Topic;
  readonly signal: AbortSignal;
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly logger: KafkaLogger;
}

/**
 * Joins a group for its partitions alone; no record is read. A consumer of the iterable that is slower than the
 * changes sees the newest one only.
 */
export async function* claimPartitions(
  createClient: (retry: RetryOptions) => Kafka,
  options: ClaimOptions,
): AsyncGenerator<readonly number[]> {
  const { topic, signal } = options;
  const leave = new AbortController();
  const onAbort = (): void => leave.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });

  let news: readonly number[] | null = null;
  let last: string | null = null;
  let isOver = false;
  let wake = (): void => undefined;

  const membership = runMembership(createClient, {
    ...options,
    signal: leave.signal,
    eachBatch: async () => undefined,
    onAssigned(partitions, consumer) {
      consumer.pause([{ topic }]);
      const sorted = partitions.toSorted((a, b) => a - b);
      if (sorted.join() === last) return;
      last = sorted.join();
      news = sorted;
      wake();
    },
    // Between two assignments a member keeps working on what it had: its work is idempotent, and no other member
    // starts before the new assignment either.
    onLost: () => undefined,
  }).finally(() => {
    isOver = true;
    wake();
  });
  membership.catch(() => undefined);
  leave.signal.addEventListener("abort", () => wake(), { once: true });

  try {
    while (!leave.signal.aborted) {
      if (news !== null) {
        const held: readonly number[] = news;
        news = null;
        yield held;
        continue;
      }
      if (isOver) break;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    leave.abort();
    signal.removeEventListener("abort", onAbort);
    await membership;
  }
}
