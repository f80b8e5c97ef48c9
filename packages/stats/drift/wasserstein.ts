import { quantile } from "../special/quantile.ts";
import { sorted } from "../special/sorted.ts";

/** Weights of the two samples, each non-negative with a positive sum; equal when left out. */
interface WassersteinWeights {
  /** shape [n] */
  readonly reference?: readonly number[];
  /** shape [m] */
  readonly current?: readonly number[];
}

/**
 * Wasserstein-1 ("earth mover's") distance between two samples on the line.
 *
 * W₁ = ∫ |F(t) − G(t)| dt: how far a unit of mass moves on average. Unit: that of the
 * values. 0 only for equal empirical distributions. A shift of every value by d gives |d|.
 * O((n + m) log(n + m)).
 *
 * @param reference shape [n], n >= 1
 * @param current   shape [m], m >= 1
 * @throws RangeError when a sample is empty or not finite, or weights are invalid
 *
 * @see Vallender, Calculation of the Wasserstein distance between probability distributions
 *   on the line, Theory Probab. Appl. 18 (1974)
 */
export function wasserstein1(
  reference: readonly number[],
  current: readonly number[],
  weights: WassersteinWeights = {},
): number {
  const x = weighted(reference, weights.reference);
  const y = weighted(current, weights.current);
  let distance = 0;
  let f = 0;
  let g = 0;
  let i = 0;
  let j = 0;
  let at = Math.min(x[0]!.value, y[0]!.value);
  while (i < x.length || j < y.length) {
    const next = Math.min(x[i]?.value ?? Infinity, y[j]?.value ?? Infinity);
    distance += Math.abs(f - g) * (next - at);
    at = next;
    while (i < x.length && x[i]!.value === at) f += x[i++]!.share;
    while (j < y.length && y[j]!.value === at) g += y[j++]!.share;
  }
  return distance;
}

/**
 * W₁ divided by the population standard deviation of the reference. Without unit.
 * For bell-shaped features only: one extreme token count inflates the divisor and hides drift.
 *
 * @throws RangeError as `wasserstein1`, and when the reference is constant
 */
export function wasserstein1PerSd(reference: readonly number[], current: readonly number[]): number {
  const mean = reference.reduce((sum, value) => sum + value, 0) / reference.length;
  const variance = reference.reduce((sum, value) => sum + (value - mean) ** 2, 0) / reference.length;
  if (variance === 0) throw new RangeError("wasserstein1PerSd: the reference is constant");
  return wasserstein1(reference, current) / Math.sqrt(variance);
}

/** 2 Φ⁻¹(0.75): the interquartile range of a standard normal, which makes IQR/1.349 a robust sd. */
const NORMAL_IQR = 1.3489795003921634;

/**
 * W₁ divided by the robust spread IQR/1.349 of the reference. Without unit; comparable over
 * features, heavy tails included.
 *
 * @returns undefined when the reference has no interquartile range (half its values are equal)
 * @throws RangeError as `wasserstein1`
 */
export function wasserstein1PerIqr(
  reference: readonly number[],
  current: readonly number[],
): number | undefined {
  const ascending = sorted(reference, "wasserstein1PerIqr");
  const spread = (quantile(ascending, 0.75) - quantile(ascending, 0.25)) / NORMAL_IQR;
  return spread === 0 ? undefined : wasserstein1(reference, current) / spread;
}

function weighted(
  values: readonly number[],
  weights: readonly number[] | undefined,
): { value: number; share: number }[] {
  if (weights === undefined) {
    const share = 1 / values.length;
    return Array.from(sorted(values, "wasserstein1"), (value) => ({ value, share }));
  }
  if (values.length === 0 || weights.length !== values.length) {
    throw new RangeError(`wasserstein1: ${values.length} values, ${weights.length} weights`);
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const invalid = weights.some((weight) => !(weight >= 0)) || values.some((value) => !Number.isFinite(value));
  if (invalid || !(total > 0 && total < Infinity))
    throw new RangeError("wasserstein1: invalid weight or value");
  return values.map((value, i) => ({ value, share: weights[i]! / total })).sort((a, b) => a.value - b.value);
}
