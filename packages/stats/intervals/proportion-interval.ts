/**
 * Intervals for a proportion, k passes of n, for **frozen** reports: a date range that will not be
 * read again while it grows. On a page that people refresh, use `confidenceSequence` instead; under
 * ninety daily looks a 95% Wilson interval excludes the truth at some point in a third of all runs.
 */

import type { Interval } from "./interval.ts";
import { betaQuantile, normalQuantile } from "../special/special.ts";

function check(k: number, n: number, level: number): void {
  if (!(n > 0 && k >= 0 && k <= n)) throw new RangeError(`proportion interval: ${k} of ${n}`);
  if (!(level > 0 && level < 1)) throw new RangeError(`proportion interval: level = ${level}`);
}

/**
 * Wilson score interval: all p with |k − np| ≤ z √(np(1 − p)). No continuity correction.
 *
 * @param k passes, 0 ≤ k ≤ n; a sum of scores gives an approximate, wider interval
 * @param level coverage, in (0, 1)
 * @see Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927)
 */
export function wilsonInterval(k: number, n: number, level = 0.95): Interval {
  check(k, n, level);
  const z = normalQuantile((1 + level) / 2);
  const centre = (k + (z * z) / 2) / (n + z * z);
  const half = (z / (n + z * z)) * Math.sqrt((k * (n - k)) / n + (z * z) / 4);
  return { lower: k === 0 ? 0 : Math.max(0, centre - half), upper: k === n ? 1 : Math.min(1, centre + half) };
}

/**
 * Clopper–Pearson interval: covers at least `level` at every p, usually more.
 *
 * @see Clopper & Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934)
 */
export function clopperPearsonInterval(k: number, n: number, level = 0.95): Interval {
  check(k, n, level);
  const tail = (1 - level) / 2;
  return {
    lower: k === 0 ? 0 : betaQuantile(tail, k, n - k + 1),
    upper: k === n ? 1 : betaQuantile(1 - tail, k + 1, n - k),
  };
}
