/** Waits between attempts. */

interface BackoffLimits {
  /** Wait after the first failure, ms. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** Doublings after which every wait is at its maximum. */
const DOUBLINGS_MAX = 16;

/** backoffMs returns the wait after so many failures in a row, ms: doubling, without jitter. */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffLimits): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX));
}

/** jittered returns between half of a wait and all of it, so that many waiters don't come at once. */
export function jittered(ms: number): number {
  return Math.round(ms * (0.5 + Math.random() / 2));
}
