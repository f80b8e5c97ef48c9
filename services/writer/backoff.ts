const WAIT_MS_MIN = 200;
const WAIT_MS_MAX = 30_000;

/** The wait before another attempt, ms: doubling, and jittered so that many waiters don't come at once. */
export function backoffMs(attempt: number): number {
  const ceiling = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}
