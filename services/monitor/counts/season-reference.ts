/**
 * The reference of a window: the same time of the week over the last four weeks. While the use case is younger
 * than four weeks, or when fewer than two such windows are clean: the same time of day on every day there is, from seven
 * days on. Pure.
 */
import { DAY_MS, HOUR_MS } from "@plumbline/schemas";
import { psi, psiDebiased, psiTolerance } from "@plumbline/stats";
import type { WidthHours, WindowPlace } from "./drift-window.ts";
import { sampleOf } from "./log-bins.ts";

/** References reach this far back. */
export const MEMORY_MS = 28 * DAY_MS;
/** No comparison before the use case is a week old: a weekend is not drift. */
export const AGE_MIN_MS = 7 * DAY_MS;
/** A window or reference with fewer rows decides nothing. */
export const WINDOW_ROWS_MIN = 50;
export const REFERENCE_ROWS_MIN = 200;

/** A clean window or day of the past. */
export interface PastCounts extends Omit<WindowPlace, "widthHours"> {
  /** Shape [bins]. */
  readonly counts: readonly number[];
}

/** The windows of `past` that the one that begins when the clock shows `shownStart` is compared with. */
export function seasonReference<Past extends Pick<PastCounts, "shownStart">>(
  shownStart: number,
  widthHours: WidthHours,
  past: readonly Past[],
  isMature: boolean,
): readonly Past[] {
  if (!isMature) return past;
  const matched = past.filter((each) => isSameTimeOfWeek(each.shownStart, shownStart, widthHours));
  return matched.length >= 2 ? matched : past;
}

/** Tolerance of PSI, nats: how far past windows lie from their own references when nothing is wrong. */
export function seasonTolerance(
  widthHours: WidthHours,
  past: readonly PastCounts[],
  bins: number,
  isMature: boolean,
): number {
  const moves = past.flatMap((each) => {
    const others = past.filter((other) => other !== each);
    const own = summed(seasonReference(each.shownStart, widthHours, others, isMature), bins);
    const sample = sampleOf(own, each.counts);
    if (sample.referenceRows < REFERENCE_ROWS_MIN || sample.currentRows < WINDOW_ROWS_MIN) return [];
    return [psiDebiased(psi(own, each.counts), sample)];
  });
  return psiTolerance(moves);
}

/** By what the clock shows. Weeks are counted from the epoch; windows of an hour match their neighbours too. */
function isSameTimeOfWeek(a: number, b: number, widthHours: WidthHours): boolean {
  const apart = Math.abs(a - b) % (7 * DAY_MS);
  return Math.min(apart, 7 * DAY_MS - apart) <= (widthHours === 1 ? HOUR_MS : 0);
}

/** By what the clock shows; windows of an hour match their neighbours too. */
export function isSameTimeOfDay(a: number, b: number, widthHours: WidthHours): boolean {
  const apart = Math.abs(a - b) % DAY_MS;
  return Math.min(apart, DAY_MS - apart) <= (widthHours === 1 ? HOUR_MS : 0);
}

export function summed(past: readonly Pick<PastCounts, "counts">[], bins: number): number[] {
  const sums = Array.from({ length: bins }, () => 0);
  for (const { counts } of past) for (let i = 0; i < bins; i++) sums[i]! += counts[i]!;
  return sums;
}
