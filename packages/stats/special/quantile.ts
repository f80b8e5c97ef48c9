/**
 * Quantile with linear interpolation between order statistics (Hyndman & Fan type 7, the
 * default of R and numpy).
 *
 * @param sorted shape [n], n >= 1, ascending
 * @param p in [0, 1]
 * @throws RangeError when the sample is empty or p is outside [0, 1]
 *
 * @see Hyndman & Fan, Sample quantiles in statistical packages, American Statistician 50 (1996)
 */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) throw new RangeError("quantile: the sample is empty");
  if (!(p >= 0 && p <= 1)) throw new RangeError(`quantile: p = ${p}`);
  const position = (sorted.length - 1) * p;
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

/**
 * An ascending copy of a sample.
 *
 * @throws RangeError when the sample is empty or holds a value that is not a finite number
 */
export function sorted(values: readonly number[], name: string): Float64Array {
  if (values.length === 0) throw new RangeError(`${name}: a sample is empty`);
  const copy = Float64Array.from(values);
  for (const value of copy) {
    if (!Number.isFinite(value)) throw new RangeError(`${name}: value ${value}`);
  }
  return copy.sort();
}
