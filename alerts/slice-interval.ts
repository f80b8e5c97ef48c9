import type { Interval } from "./quantity.ts";

const Z_95 = 1.959963984540054;

/**
 * 95% interval of a mean score in [0,1] over n units, for showing a slice; it decides nothing.
 *
 * Wilson's interval with p = mean. Exact in form for pass or fail; for graded scores it is wider than needed,
 * because no variable in [0,1] varies more than a coin with the same mean. Fixed n: valid for one look, and the
 * message says so.
 *
 * @returns null when n < 1 or the mean is outside [0,1]: without an interval the number is not shown
 * @see Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927)
 */
export function sliceInterval(mean: number, n: number): Interval | null {
  if (!(n >= 1) || !(mean >= 0 && mean <= 1)) return null;
  const z2 = Z_95 * Z_95;
  const center = (mean + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z_95 / (1 + z2 / n)) * Math.sqrt((mean * (1 - mean)) / n + z2 / (4 * n * n));
  return [Math.max(0, center - half), Math.min(1, center + half)];
}
