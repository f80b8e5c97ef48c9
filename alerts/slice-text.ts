/** One slice in words. */
import type { Detection, QualityDetection } from "@plumbline/schemas";
import { formatCount, formatInterval, formatPercent, formatValue, isInterval } from "./quantity.ts";
import { sliceInterval } from "./slice-interval.ts";

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
