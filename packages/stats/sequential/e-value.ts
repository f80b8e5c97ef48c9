import { logSumExp } from "../special/special.ts";

/**
 * The grid of relative drops: fⱼ = 1 − 0.9 · 2^−j, j = 0..size − 1. A stream that falls from its null
 * mean m to fⱼ m is the alternative of bet j: 0.1, 0.55, 0.775, 0.8875, 0.94375, 0.971875.
 *
 * Fixed, not tuned: it loses at worst about 17% of the growth rate of the best single bet, once log 6,
 * and in exchange the evidence of an hour does not depend on the order of its units.
 */
export function relativeDropGrid(size = 6): number[] {
  if (!(Number.isInteger(size) && size >= 1 && size <= 50))
    throw new RangeError(`relativeDropGrid: size = ${size}`);
  return Array.from({ length: size }, (_, j) => 1 - 0.9 * 2 ** -j);
}

/** Null mean of one unit in one stream: clip(baseline − margin, 0.05, 0.98), score points. */
export function nullMean(baseline: number, margin: number): number {
  return Math.min(0.98, Math.max(0.05, baseline - margin));
}

/**
 * Adds the log-factors of one unit to `into[offset + j]`, nats:
 *
 *     gⱼ = η · log(1 + λⱼ w (m − x)),   λⱼ = (1 − fⱼ)/(1 − m)
 *
 * exp(g) has mean ≤ 1 whenever the mean of x is ≥ m, so products of it are evidence of a drop. For a
 * verdict with w = 1 it is η log fⱼ on a pass and η log((1 − fⱼ m)/(1 − m)) on a fail. The caller has
 * checked the ranges: x in [0, 1], m in (0, 1), w and η in (0, 1]. This is the innermost loop of the
 * detector, hence the output argument.
 *
 * @see Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, JRSS-B 86 (2024)
 */
export function addDropFactors(
  into: Float64Array,
  offset: number,
  x: number,
  m: number,
  w: number,
  eta: number,
  grid: ArrayLike<number>,
): void {
  const gain = (w * (m - x)) / (1 - m);
  for (let j = 0; j < grid.length; j++) {
    into[offset + j]! += eta * Math.log1p((1 - grid[j]!) * gain);
  }
}

/** log of the mean of exp(log eⱼ) over the grid, shape [J] to one number: the mixture e-value, nats. */
export function logMixture(logE: ArrayLike<number>): number {
  if (logE.length === 0) throw new RangeError("logMixture: an empty grid");
  return logSumExp(logE) - Math.log(logE.length);
}
