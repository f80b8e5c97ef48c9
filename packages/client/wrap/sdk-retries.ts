/**
 * Calls that an SDK may be about to retry. Both official SDKs retry by themselves and number their requests in
 * `x-stainless-retry-count`; one call of the application is then several requests, and is told of once, after the last.
 */
import { type Attempt, unref } from "@plumbline/emitter";

export interface FailedSoFar {
  /** When the application's call began, by `performance.now()`. */
  readonly startedAt: number;
  readonly attempts: readonly Attempt[];
  /** Tells of the call as it stands. */
  tell(): void;
}

interface Held extends FailedSoFar {
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Longest wait of the SDKs between requests without `Retry-After`, and the longest `Retry-After` that they honour, ms. */
const BACKOFF_MS_MAX = 8_000;
const RETRY_AFTER_MS_MAX = 60_000;
/** What a busy process may be late, ms. */
const LATE_MS = 2_000;
/** Calls held at a time; what is beyond is told of at once. */
const HELD_MAX = 1_000;

export class SdkRetries {
  /** By the body of the request, which a retry repeats. Equal requests at the same time stand for one another. */
  readonly #held = new Map<string, Held[]>();
  #count = 0;

  /** Keeps a call whose request failed until its retry comes, or can't come any more. */
  hold(body: string, call: FailedSoFar, retryAfterMs: number | null): void {
    if (this.#count >= HELD_MAX) return call.tell();
    const wait = retryAfterMs !== null && retryAfterMs <= RETRY_AFTER_MS_MAX ? retryAfterMs : 0;
    const timer = unref(
      setTimeout(() => this.#take(body, timer)?.tell(), Math.max(wait, BACKOFF_MS_MAX) + LATE_MS),
    );
    const same = this.#held.get(body);
    const held = { ...call, timer };
    if (same === undefined) this.#held.set(body, [held]);
    else same.push(held);
    this.#count += 1;
  }

  /** The call that a retry belongs to; null when none is held. */
  resume(body: string): FailedSoFar | null {
    return this.#take(body, null);
  }

  /** Tells of every call that is held: nobody waits for their retries. */
  release(): void {
    for (const held of [...this.#held.values()].flat()) {
      clearTimeout(held.timer);
      held.tell();
    }
    this.#held.clear();
    this.#count = 0;
  }

  #take(body: string, timer: Held["timer"] | null): Held | null {
    const same = this.#held.get(body) ?? [];
    const at = timer === null ? 0 : same.findIndex((held) => held.timer === timer);
    const [held] = at < 0 ? [] : same.splice(at, 1);
    if (held === undefined) return null;
    clearTimeout(held.timer);
    this.#count -= 1;
    if (same.length === 0) this.#held.delete(body);
    return held;
  }
}
