/**
 * Circuit breakers of models or providers, shared by all calls of a client. One opens when within its window so many
 * requests failed and no more succeeded; it lets nobody through for a while, then one call as a trial: it closes when
 * that succeeds, else opens again.
 */
import type { BreakerPolicy } from "./policy.ts";

interface Counts {
  succeeded: number;
  failed: number;
}

interface Breaker {
  /** Of this half of the window and of the one before. */
  now: Counts;
  before: Counts;
  /** When this half began, ms. */
  since: number;
  /** Null while it is closed. */
  openedAt: number | null;
  /** Since when a trial is under way. */
  trialSince: number | null;
}

/** Names come from policies; a flood of them must not fill the memory. */
const BREAKERS_MAX = 1_000;

export class CircuitBreakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #now: () => number;

  /** @param now ms, of any monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a call may go through; the first one after `open_ms` is the trial. */
  admits(name: string, { open_ms }: BreakerPolicy): boolean {
    const breaker = this.#breakers.get(name);
    if (breaker === undefined || breaker.openedAt === null) return true;
    const now = this.#now();
    if (now - breaker.openedAt < open_ms) return false;
    // A trial of which nothing was heard is none.
    if (breaker.trialSince !== null && now - breaker.trialSince < open_ms) return false;
    breaker.trialSince = now;
    return true;
  }

  succeeded(name: string, policy: BreakerPolicy): void {
    const breaker = this.#current(name, policy);
    breaker.now.succeeded += 1;
    if (breaker.openedAt !== null) this.#breakers.delete(name);
  }

  failed(name: string, policy: BreakerPolicy): void {
    const breaker = this.#current(name, policy);
    const { now, before } = breaker;
    now.failed += 1;
    const failed = now.failed + before.failed;
    const isTrial = breaker.trialSince !== null;
    const isBad = failed >= policy.failures && failed >= now.succeeded + before.succeeded;
    // What was asked before it opened, and fails after, does not keep it open for longer.
    if (!isTrial && (breaker.openedAt !== null || !isBad)) return;
    breaker.openedAt = this.#now();
    breaker.trialSince = null;
  }

  /** The trial ended without a word about the model: the next call is one. */
  released(name: string): void {
    const breaker = this.#breakers.get(name);
    if (breaker !== undefined) breaker.trialSince = null;
  }

  #current(name: string, { window_ms }: BreakerPolicy): Breaker {
    const now = this.#now();
    let breaker = this.#breakers.get(name);
    if (breaker === undefined) {
      if (this.#breakers.size >= BREAKERS_MAX) this.#breakers.clear();
      breaker = { now: nothing(), before: nothing(), since: now, openedAt: null, trialSince: null };
      this.#breakers.set(name, breaker);
    }
    const age = now - breaker.since;
    if (age >= window_ms / 2) {
      breaker.before = age < window_ms ? breaker.now : nothing();
      breaker.now = nothing();
      breaker.since = now;
    }
    return breaker;
  }
}

function nothing(): Counts {
  return { succeeded: 0, failed: 0 };
}
