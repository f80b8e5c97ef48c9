/** The grid of the clearance bets: gⱼ = 0.9 · 2^−j, j = 0..size − 1, the mirror of the relative drops. */
export function clearanceGrid(size = 6): number[] {
  if (!(Number.isInteger(size) && size >= 1 && size <= 50))
    throw new RangeError(`clearanceGrid: size = ${size}`);
  return Array.from({ length: size }, (_, j) => 0.9 * 2 ** -j);
}

/**
 * Adds one unit's evidence that a mean **exceeds** m to `into[offset + j]`, nats:
 *
 *     η · log(1 + (gⱼ/m) w (x − m))
 *
 * On a verdict with w = 1: (1 − (1 − gⱼ)(1 − m))/m on a pass and 1 − gⱼ on a fail. Averaged over j and
 * accumulated from a deploy on, the version is CLEARED once the e-value reaches 20: a drop to m or below
 * is then excluded, and the statement is wrong with probability at most 5%, however often one looks.
 * At an unchanged 0.92 and a margin of 3 points the median need is 712 units.
 *
 * @param m null mean, baseline minus the clearance margin, in (0, 1)
 */
export function addClearanceFactors(
  into: Float64Array,
  offset: number,
  x: number,
  m: number,
  w: number,
  eta: number,
  grid: ArrayLike<number>,
): void {
  const gain = (w * (x - m)) / m;
  for (let j = 0; j < grid.length; j++) into[offset + j]! += eta * Math.log1p(grid[j]! * gain);
}

/** log 20: a version is cleared when its log e-value reaches this, wrong with probability ≤ 5%. */
export const LOG_CLEARED = Math.log(20);
import { pairedBets } from "./paired-canary.ts";

/**
 * Log e-values against H0 mean(old) − mean(new) ≥ m, from paired units of a concurrent canary, one per bet,
 * nats; the mirror of `logEvidenceOfPairs`:
 *
 *     Σ η · log(1 + λ (m − D)/(1 − m)),   D = x_old − x_new in [−1, 1]
 *
 * Averaged over the bets, CLEARED at 20: the new version is then worse by less than m, and the statement is wrong with
 * probability at most 5%, however often one looks. What hits both arms alike leaves D alone.
 *
 * @param oldMinusNew shape [pairs], score points
 * @param options.margin m, score points in (0, 1)
 * @returns shape [5]; combine with `logMixture`
 */
export function logClearanceOfPairs(
  oldMinusNew: readonly number[],
  options: { readonly margin: number; readonly bets?: readonly number[]; readonly eta?: number },
): Float64Array {
  const { margin, bets = pairedBets, eta = 1 } = options;
  if (!(margin > 0 && margin < 1 && eta > 0 && eta <= 1) || !bets.every((bet) => bet > 0 && bet < 1)) {
    throw new RangeError(`logClearanceOfPairs: margin = ${margin}, eta = ${eta}, bets = ${bets.join()}`);
  }
  const log = new Float64Array(bets.length);
  for (const d of oldMinusNew) {
    if (!(d >= -1 && d <= 1)) throw new RangeError(`logClearanceOfPairs: difference = ${d}`);
    const gain = (margin - d) / (1 - margin);
    for (let j = 0; j < bets.length; j++) log[j]! += eta * Math.log1p(bets[j]! * gain);
  }
  return log;
}

/**
 * Pairs until a version that is as good as the old one is cleared: a planning figure for verdicts that pass with
 * probability `mean` in both arms, n = (log 20 + log J)/(η · growth of the best bet).
 *
 * At 0.92: 1,531 for a margin of 3 points, 640 for 5 (medians of a simulation: 998 and 411; 95%: 3,144 and 1,006).
 * Infinity when no bet of the grid grows.
 */
export function plannedClearancePairs(
  mean: number,
  options: { readonly margin: number; readonly bets?: readonly number[]; readonly eta?: number },
): number {
  const { margin, bets = pairedBets, eta = 1 } = options;
  if (!(mean > 0 && mean < 1)) throw new RangeError(`plannedClearancePairs: mean = ${mean}, needs (0, 1)`);
  const differs = mean * (1 - mean);
  const growths = bets.map((_, j) => {
    const at = (d: number): number => logClearanceOfPairs([d], { margin, bets, eta })[j]!;
    return differs * (at(1) + at(-1)) + (1 - 2 * differs) * at(0);
  });
  const growth = Math.max(...growths);
  return growth > 0 ? Math.ceil((LOG_CLEARED + Math.log(bets.length)) / growth) : Infinity;
}
