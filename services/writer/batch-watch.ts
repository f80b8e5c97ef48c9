/** Liveness of the writer: every batch in hand gets on, or the process should be started anew. */
import { counted } from "@plumbline/schemas";
import type { Clock } from "@plumbline/ports";
import { notOk, ok, type Check } from "@plumbline/runtime/health";
import type { Topic } from "@plumbline/schemas";

/** Longest time without an attempt to store anything of a batch in hand, ms. Longer than any pause and any insert. */
const STALLED_MS = 15 * 60_000;

export class BatchWatch {
  readonly #clock: Clock;
  readonly #batches = new Set<{ readonly topic: Topic; steppedAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async while<Result>(topic: Topic, work: () => Promise<Result>): Promise<Result> {
    const batch = { topic, steppedAt: this.#clock.monotonic() };
    this.#batches.add(batch);
    try {
      return await work();
    } finally {
      this.#batches.delete(batch);
    }
  }

  /** Something of the topic was stored, or was tried. */
  step(topic: Topic): void {
    for (const batch of this.#batches) if (batch.topic === topic) batch.steppedAt = this.#clock.monotonic();
  }

  readonly check: Check = () => {
    const now = this.#clock.monotonic();
    for (const { topic, steppedAt } of this.#batches) {
      if (now - steppedAt > STALLED_MS)
        return notOk(
          `a batch of ${topic} got no further for ${counted(Math.floor((now - steppedAt) / 60_000), "minute")}`,
        );
    }
    return ok(
      this.#batches.size === 0
        ? "no batch in hand"
        : `${counted(this.#batches.size, "batch", "batches")} in hand, none stuck`,
    );
  };
}
