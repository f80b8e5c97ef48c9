import type { Clock } from "@plumbline/ports";

interface Sleeper {
  /** Elapsed time, ms. */
  readonly wakeAt: number;
  wake(): void;
}

/**
 * Time that moves only when told to. For tests, simulations and the demonstration's generated past.
 *
 * @example
 * const clock = new VirtualClock("2026-03-01T00:00:00Z");
 * await clock.advance(60_000);
 */
export class VirtualClock implements Clock {
  #monotonic = 0;
  /** The time of day minus the elapsed time, ms. */
  #offset: number;
  /** In order of waking; equal times in the order in which they fell asleep. */
  readonly #sleepers: Sleeper[] = [];

  /** @param start ISO 8601 with a zone, or milliseconds since the epoch */
  constructor(start: string | number) {
    this.#offset = typeof start === "number" ? start : Date.parse(start);
    if (!Number.isFinite(this.#offset)) throw new RangeError(`VirtualClock: ${start} is not a time`);
  }

  now(): number {
    return this.#offset + this.#monotonic;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Sets the time of day forward or, with a negative number, back by `ms`. No time passes and nobody wakes. */
  step(ms: number): void {
    this.#offset += ms;
  }

  /** Number of sleepers: lets a test wait until the code under test has come to rest. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { wakeAt: this.#monotonic + ms, wake };
      const later = this.#sleepers.findIndex((each) => each.wakeAt > sleeper.wakeAt);
      this.#sleepers.splice(later === -1 ? this.#sleepers.length : later, 0, sleeper);
      signal?.addEventListener("abort", wake);
    });
  }

  /**
   * Moves time forward by `ms` and wakes, in order, whoever sleeps until then; `now()` is each sleeper's own time
   * when it wakes. After each one the event loop turns once, so a sleeper that falls asleep again within the span
   * is woken again: a loop that sleeps a minute runs sixty times in an hour.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`VirtualClock: cannot advance by ${ms} ms`);
    const target = this.#monotonic + ms;
    await turn();
    for (;;) {
      const next = this.#sleepers[0];
      if (next === undefined || next.wakeAt > target) break;
      this.#monotonic = next.wakeAt;
      next.wake();
      await turn();
    }
    this.#monotonic = target;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
