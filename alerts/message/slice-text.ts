/** One slice in words. */
import type { Detection, QualityDetection } from "@plumbline/schemas";
import {
  formatCount,
  formatInterval,
  formatPercent,
  formatValue,
  type Interval,
  isInterval,
} from "../words/quantity.ts";

export function sliceText(detection: QualityDetection, slice: Detection["slices"][number]): string {
  const interval =
    detection.evidence.slice_intervals[slice.name] ?? sliceInterval(slice.current, slice.units);
  const share = `${slice.name} (${formatPercent(slice.share_of_traffic)} of traffic)`;
  if (interval === null || !isInterval(interval)) return share;
  return `${share} ${formatValue(slice.reference, "share")} → ${formatValue(slice.current, "share")} (95% interval ${formatInterval(interval, "share")}, n = ${formatCount(slice.units)})`;
}

/**
 * Slices that explain most first. A slice with nearly all of the traffic carries nearly all of any drop, so what
 * counts is how far its share of the drop exceeds its share of the traffic.
 */
export function byExplanation({ slices }: Pick<Detection, "slices">): Detection["slices"] {
  const excess = (slice: Detection["slices"][number]): number => slice.share_of_drop - slice.share_of_traffic;
  return slices.toSorted((a, b) => excess(b) - excess(a));
}

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
