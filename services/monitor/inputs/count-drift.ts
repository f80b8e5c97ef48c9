/**
 * Numbers and slices of the calls, window by window, against the windows before. Pure: fold windows in order.
 *
 * Bins are frozen for 28 days; a young use case freezes again when its history has doubled.
 */
import { isTextSlice } from "@plumbline/features";
import { DRIFT_PATIENCE } from "@plumbline/stats";
import type { FeatureResult } from "./drift-decision.ts";
import type { DriftWindow, WidthHours, WindowPlace } from "../counts/drift-window.ts";
import type { FeatureLevels } from "./feature-levels.ts";
import {
  addHistogram,
  binNames,
  countBins,
  freezeBins,
  numericSizes,
  rowsOf,
  type FrozenBins,
  type Histogram,
} from "../counts/log-bins.ts";
import { AGE_MIN_MS, isSameTimeOfDay, MEMORY_MS, WINDOW_ROWS_MIN } from "../counts/season-reference.ts";

/** Slices in fewer reference rows than this share are too rare to be a feature. */
const SLICE_SHARE_MIN = 0.01;
const SLICES_MAX = 24;

const PATIENCE: Readonly<Record<WidthHours, number>> = {
  1: DRIFT_PATIENCE.hourly,
  6: DRIFT_PATIENCE.hourly / 6,
  24: DRIFT_PATIENCE.daily,
};

interface Snapshot {
  readonly frozenAt: number;
  readonly inputs: ReadonlyMap<string, FrozenBins>;
  readonly outputs: ReadonlyMap<string, FrozenBins>;
  readonly slices: readonly string[];
}

export class CountDrift {
  readonly #levels: FeatureLevels;
  #windows: DriftWindow[] = [];
  #firstStart: number | null = null;
  #snapshot: Snapshot | null = null;

  constructor(levels: FeatureLevels) {
    this.#levels = levels;
  }

  /** Compares a closed window with what came before, then keeps it as a reference of later ones. */
  close(window: DriftWindow): readonly FeatureResult[] {
    this.#firstStart ??= window.start;
    this.#windows = this.#windows.filter(
      (each) =>
        each.start >= window.start - MEMORY_MS &&
        each.start < window.start &&
        each.widthHours === window.widthHours,
    );
    const results = window.start - this.#firstStart >= AGE_MIN_MS ? this.#compare(window) : [];
    this.#windows.push(window);
    return results;
  }

  #compare(window: DriftWindow): FeatureResult[] {
    const snapshot = this.#frozen(window);
    if (window.calls < WINDOW_ROWS_MIN) return [];
    const results: (FeatureResult | null)[] = [];
    for (const [feature, bins] of snapshot.inputs) {
      results.push(
        this.#compareFeature(window, feature, "input", bins, (each) => each.inputs.get(feature) ?? null),
      );
    }
    for (const slice of snapshot.slices) {
      results.push(
        this.#compareFeature(window, slice, "input", null, (each) =>
          yesNo(each.slices.get(slice) ?? 0, isTextSlice(slice) ? each.described : each.calls),
        ),
      );
    }
    // A version is compared with itself, once it is a week old; until then the deploy explains what moves.
    const own = this.#windows.find((each) => each.version === window.version);
    if (own !== undefined && window.start - own.start >= AGE_MIN_MS) {
      for (const [feature, bins] of snapshot.outputs) {
        results.push(
          this.#compareFeature(window, feature, "output", bins, (each) =>
            each.version === window.version ? (each.outputs.get(feature) ?? null) : null,
          ),
        );
      }
    }
    return results.filter((result) => result !== null);
  }

  #frozen(window: DriftWindow): Snapshot {
    const age = window.start - (this.#firstStart ?? window.start);
    const due =
      this.#snapshot === null ||
      window.start - this.#snapshot.frozenAt >= Math.min(MEMORY_MS, Math.max(AGE_MIN_MS, age / 2));
    if (!due && this.#snapshot !== null) return this.#snapshot;
    const merged = (side: "inputs" | "outputs"): Map<string, FrozenBins> => {
      const sums = new Map<string, Map<number, number>>();
      for (const each of this.#windows) {
        for (const [feature, histogram] of each[side]) {
          if (!sums.has(feature)) sums.set(feature, new Map());
          addHistogram(sums.get(feature)!, histogram);
        }
      }
      return new Map([...sums].map(([feature, histogram]) => [feature, freezeBins(histogram)]));
    };
    this.#snapshot = {
      frozenAt: window.start,
      inputs: merged("inputs"),
      outputs: merged("outputs"),
      slices: commonSlices(this.#windows),
    };
    return this.#snapshot;
  }

  /** @param bins null for a slice, which has the bins no and yes */
  #compareFeature(
    window: DriftWindow,
    feature: string,
    side: "input" | "output",
    bins: FrozenBins | null,
    histogramOf: (window: DriftWindow) => Histogram | null,
  ): FeatureResult | null {
    const counts = (histogram: Histogram): number[] =>
      bins === null ? [histogram.get(0) ?? 0, histogram.get(1) ?? 0] : countBins(bins, histogram);
    const currentHistogram = histogramOf(window);
    // Of too few calls the text is known to say how the texts are.
    if (currentHistogram === null || rowsOf(currentHistogram) < WINDOW_ROWS_MIN) return null;
    const state = this.#levels.state(feature, PATIENCE[window.widthHours]);
    const past = this.#windows.flatMap((each) => {
      const isReference =
        !state.suspicious.has(each.start) &&
        isSameTimeOfDay(each.shownStart, window.shownStart, window.widthHours);
      const histogram = isReference ? histogramOf(each) : null;
      return histogram === null ? [] : [{ ...placeOf(each), counts: counts(histogram), histogram }];
    });
    const current = counts(currentHistogram);
    const compared = this.#levels.compare(state, window, past, current);
    if (compared === null) return null;
    const { measured, reference, used } = compared;
    const histogram = new Map<number, number>();
    for (const each of used) addHistogram(histogram, each.histogram);
    state.last = {
      ...measured,
      feature,
      is: { type: bins === null ? "slice" : "number" },
      side,
      prompt_version: side === "output" ? window.version : "",
      sizes: bins === null ? null : numericSizes(histogram, currentHistogram),
      bins: { names: bins === null ? ["no", "yes"] : binNames(bins), reference, current },
    };
    return state.last;
  }
}

function placeOf({ start, end, shownStart }: DriftWindow): Omit<WindowPlace, "widthHours"> {
  return { start, end, shownStart };
}

function yesNo(rows: number, calls: number): Histogram {
  return new Map([
    [0, Math.max(0, calls - rows)],
    [1, rows],
  ]);
}

/** Slices that split the traffic: in at least 1% and at most 99% of it, the most frequent ones. */
function commonSlices(windows: readonly DriftWindow[]): string[] {
  const calls = windows.reduce((sum, window) => sum + window.calls, 0);
  const rows = new Map<string, number>();
  for (const { slices } of windows)
    for (const [slice, n] of slices) rows.set(slice, (rows.get(slice) ?? 0) + n);
  return [...rows]
    .filter(([, n]) => n >= SLICE_SHARE_MIN * calls && n <= (1 - SLICE_SHARE_MIN) * calls)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, SLICES_MAX)
    .map(([slice]) => slice);
}
