/** What was counted in one window of a use case, and how wide its windows are. Pure. */
import type { Histogram } from "./log-bins.ts";

export type WidthHours = 1 | 6 | 24;

/** What was counted in one window; histograms are on the grid of `log-bins.ts` and include missing. */
export interface DriftWindow {
  /** Milliseconds since the epoch, aligned to the width. */
  readonly start: number;
  readonly widthHours: WidthHours;
  readonly calls: number;
  /** The version with the most calls. */
  readonly version: string;
  readonly inputs: ReadonlyMap<string, Histogram>;
  /** Calls per slice. */
  readonly slices: ReadonlyMap<string, number>;
  /** Of the calls of `version` only. */
  readonly outputs: ReadonlyMap<string, Histogram>;
}

const WIDTH_ROWS_MEDIAN = 500;

/**
 * The shortest of 1, 6 and 24 hours whose median window has at least 500 calls; 24 when none has.
 *
 * @param hourlyCalls calls per hour of the last four weeks, in order, zeros included
 */
export function chooseWidth(hourlyCalls: readonly number[]): WidthHours {
  for (const width of [1, 6] as const) {
    const sums: number[] = [];
    for (let i = 0; i + width <= hourlyCalls.length; i += width) {
      sums.push(hourlyCalls.slice(i, i + width).reduce((sum, calls) => sum + calls, 0));
    }
    sums.sort((a, b) => a - b);
    if ((sums[Math.floor(sums.length / 2)] ?? 0) >= WIDTH_ROWS_MEDIAN) return width;
  }
  return 24;
}
