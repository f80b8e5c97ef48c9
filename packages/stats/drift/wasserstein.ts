import { sorted } from "../special/quantile.ts";

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
