import { quantile } from "./quantile.ts";

/**
 * Bin edges of a numeric feature, frozen from a reference window; plain JSON.
 *
 * Order of the bins: the intervals (−∞, e₀), [e₀, e₁), … , [e_k, ∞), then exact zero when it has
 * its own bin, then missing.
 */
export interface NumericBinning {
  readonly kind: "numeric";
  /** Ascending, distinct, at least one. */
  readonly edges: readonly number[];
  /** Exact zeros are counted apart: they were above 5% of the reference. */
  readonly zeroBin: boolean;
}

const BINS = 10;
const ZERO_SHARE_MIN = 0.05;

/**
 * Cuts a reference window at its deciles.
 *
 * Nine type-7 deciles; tied ones collapse, and one equal to the minimum is dropped because
 * nothing lies below it. Exact zeros above 5% of the window get a bin of their own and do not
 * take part in the deciles. Outer bins are open, so values beyond the reference have a place.
 * Missing values (null, NaN) always have a bin: a feature that starts to go missing must show.
 * A constant reference is cut into below, equal and above.
 *
 * @param reference shape [n]: null or NaN where missing
 * @throws RangeError when no value is present or one is infinite
 */
export function freezeNumericBinning(reference: readonly (number | null)[]): NumericBinning {
  const present = reference.filter((value): value is number => value !== null && !Number.isNaN(value));
  if (present.length === 0) throw new RangeError("freezeNumericBinning: no value is present");
  if (present.some((value) => Math.abs(value) === Infinity)) {
    throw new RangeError("freezeNumericBinning: a value is infinite");
  }
  const zeros = present.filter((value) => value === 0).length;
  const zeroBin = zeros > ZERO_SHARE_MIN * reference.length && zeros < present.length;
  const ascending = Float64Array.from(zeroBin ? present.filter((value) => value !== 0) : present).sort();

  const edges: number[] = [];
  for (let decile = 1; decile < BINS; decile++) {
    const edge = quantile(ascending, decile / BINS);
    if (edge > (edges.at(-1) ?? ascending[0]!)) edges.push(edge);
  }
  return { kind: "numeric", edges: edges.length > 0 ? edges : aroundConstant(ascending), zeroBin };
}

/** Every decile is the minimum: cut just above it, and below it, so that either move shows. */
function aroundConstant(ascending: Float64Array): number[] {
  const value = ascending[0]!;
  return [value, value + Math.max(Math.abs(value), 1) * 2 * Number.EPSILON];
}

/** The number of bins, counting zero and missing. */
export function numericBinCount({ edges, zeroBin }: NumericBinning): number {
  return edges.length + 1 + (zeroBin ? 1 : 0) + 1;
}

/**
 * Counts a window under frozen edges.
 *
 * @param values shape [n]: null or NaN where missing; ±Infinity falls in an outer bin
 * @returns shape [B], B = `numericBinCount`; sums to n
 */
export function countNumericBins(binning: NumericBinning, values: readonly (number | null)[]): number[] {
  const counts = Array.from({ length: numericBinCount(binning) }, () => 0);
  const missing = counts.length - 1;
  for (const value of values) {
    if (value === null || Number.isNaN(value)) counts[missing]!++;
    else if (value === 0 && binning.zeroBin) counts[missing - 1]!++;
    else counts[intervalOf(binning.edges, value)]!++;
  }
  return counts;
}

/** How many edges are at or below the value. */
function intervalOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
