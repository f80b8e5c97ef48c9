import type { Interval } from "./interval.ts";
import { wilsonInterval } from "./proportion-interval.ts";

/**
 * Difference of two independent proportions, old − new, with Newcombe's hybrid score interval.
 *
 * With Wilson limits (l, u) of each: lower = d − √((p₁ − l₁)² + (u₂ − p₂)²), upper likewise. Positive
 * means the new version passes less often. For two frozen date ranges only; n ≥ 1 on both sides.
 *
 * @see Newcombe, Interval estimation for the difference between independent proportions, method 10,
 *   Statistics in Medicine 17 (1998)
 */
export function newcombeDifference(
  old: { readonly passes: number; readonly n: number },
  current: { readonly passes: number; readonly n: number },
  level = 0.95,
): Interval & { readonly difference: number } {
  const p1 = old.passes / old.n;
  const p2 = current.passes / current.n;
  const w1 = wilsonInterval(old.passes, old.n, level);
  const w2 = wilsonInterval(current.passes, current.n, level);
  const difference = p1 - p2;
  return {
    difference,
    lower: difference - Math.hypot(p1 - w1.lower, w2.upper - p2),
    upper: difference + Math.hypot(w1.upper - p1, p2 - w2.lower),
  };
}
