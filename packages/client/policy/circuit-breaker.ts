/**
 * Circuit breakers of models or providers, shared by all calls of a client. One opens when within its window so many
 * requests failed and no more succeeded; it lets nobody through for a while, then one call as a trial: it closes when
 * that succeeds, else opens again. What was asked before it opened says nothing about now: it neither closes a breaker
 * nor ends a trial.
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
  /** The trial under way. */
  trial: { readonly since: number } | null;
}

/** Says what became of a call that was let through, once: true, false, or null when that says nothing about the model. */
type Settle = (isGood: boolean | null) => void;

/** Names come from policies; a flood of them must not fill the memory. */
const BREAKERS_MAX = 1_000;

export class CircuitBreakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #now: () => number;

  /** @param now ms, of any monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Null when a call may not go through; the first one after `open_ms` is the trial. */
  admit(name: string, policy: BreakerPolicy): Settle | null {
    const now = this.#now();
    const { open_ms } = policy;
    let breaker = this.#breakers.get(name);
    if (breaker === undefined) {
      if (this.#breakers.size >= BREAKERS_MAX) this.#breakers.clear();
      breaker = { now: nothing(), before: nothing(), since: now, openedAt: null, trial: null };
      this.#breakers.set(name, breaker);
    }
    const its = breaker;
    if (its.openedAt === null) return (isGood) => this.#count(its, policy, isGood);
    // A trial of which nothing was heard is none.
    if (now - Math.max(its.openedAt, its.trial?.since ?? 0) < open_ms) return null;
    const trial = (its.trial = { since: now });
    return (isGood) => {
      if (its.trial !== trial) return;
      its.trial = null;
      if (isGood === false) its.openedAt = this.#now();
      else if (isGood === true && this.#breakers.get(name) === its) this.#breakers.delete(name);
    };
  }

  #count(breaker: Breaker, { failures, window_ms }: BreakerPolicy, isGood: boolean | null): void {
    if (isGood === null || breaker.openedAt !== null) return;
    const now = this.#now();
    const age = now - breaker.since;
    if (age >= window_ms / 2) {
      breaker.before = age < window_ms ? breaker.now : nothing();
      breaker.now = nothing();
      breaker.since = now;
    }
    if (isGood) breaker.now.succeeded += 1;
    else breaker.now.failed += 1;
    const failed = breaker.now.failed + breaker.before.failed;
    const isBad = failed >= failures && failed >= breaker.now.succeeded + breaker.before.succeeded;
    if (!isGood && isBad) breaker.openedAt = now;
  }
}

function nothing(): Counts {
  return { succeeded: 0, failed: 0 };
}
