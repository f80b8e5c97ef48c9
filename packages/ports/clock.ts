/** The one source of "now". Services take it as a dependency, so that tests and replays own the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number;
  /**
   * Milliseconds since some moment of this process. It never goes back and never jumps: durations, periods and waits are
   * measured by it, since the time of day may be set at any moment.
   */
  monotonic(): number;
  /** Resolves after `ms` of elapsed time, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
