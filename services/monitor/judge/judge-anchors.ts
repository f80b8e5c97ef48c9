/**
 * Tests whether the judge still agrees with itself. Frozen anchor items are judged again every day; x = 1 when the new
 * label equals the frozen one. Their answers never change, so a fall of agreement is the judge's. Pure.
 *
 * The e-detector of quality with one stream: H0 "agreement ≥ m", m = baseline − max(0.02, 3 standard errors), start
 * weight 1 a day, C = 365: at most about one false alarm a year. The first 300 re-judgements are the baseline.
 *
 * A drift is over when half of the lost agreement is excluded at 5% by the days since the last bad one, and they have
 * 100 items: a judge that came back is seen in a day or two, and silence ends nothing.
 */
import {
  addDropFactors,
  confidenceSequence,
  emptyDetector,
  relativeDropGrid,
  stepDetector,
  streamDetectors,
} from "@plumbline/stats";

/** One day of re-judgements, days in order. */
interface AnchorAgreement {
  /** Midnight UTC, ms. */
  readonly day: number;
  readonly items: number;
  /** At most `items`. */
  readonly agreements: number;
}

export interface AnchorVerdict {
  readonly state: "steady" | "drifted" | "not_enough_data";
  readonly baseline: { readonly items: number; readonly agreement: number };
  /** Since evidence began to build, or since the judge came back. */
  readonly current: { readonly items: number; readonly agreement: number };
  /** Null mean m in (0,1). */
  readonly nullMean: number;
  /** log M, nats; alarm at log 365. */
  readonly logLevel: number;
  readonly itemsNeeded: number;
}

const BASELINE_ITEMS = 300;
const MARGIN = 0.02;
const RECOVERY_ITEMS_MIN = 100;
const RECOVERY_ALPHA = 0.05;
const LOG_THRESHOLD = Math.log(365);
const GRID = relativeDropGrid();

interface Count {
  readonly items: number;
  readonly agreements: number;
}
const NOTHING: Count = { items: 0, agreements: 0 };

/** Folds days of one (use case, criterion, rubric, judge). */
export function judgeAnchors(days: readonly AnchorAgreement[]): AnchorVerdict {
  let items = 0;
  let agreements = 0;
  let next = 0;
  while (next < days.length && items < BASELINE_ITEMS) {
    items += days[next]!.items;
    agreements += days[next]!.agreements;
    next += 1;
  }
  const agreement = items === 0 ? 0 : agreements / items;
  const smoothed = (agreements + 1) / (items + 2);
  const error = Math.sqrt((smoothed * (1 - smoothed)) / Math.max(1, items));
  const nullMean = Math.min(0.98, Math.max(0.05, smoothed - Math.max(MARGIN, 3 * error)));
  const baseline = { items, agreement };
  if (items < BASELINE_ITEMS) {
    return {
      state: "not_enough_data",
      baseline,
      current: { items: 0, agreement: 0 },
      nullMean,
      logLevel: -Infinity,
      itemsNeeded: BASELINE_ITEMS - items,
    };
  }
  const pass = new Float64Array(GRID.length);
  const fail = new Float64Array(GRID.length);
  addDropFactors(pass, 0, 1, nullMean, 1, 1, GRID);
  addDropFactors(fail, 0, 0, nullMean, 1, 1, GRID);
  let state = emptyDetector(1, GRID.length);
  let logLevel = -Infinity;
  let building = NOTHING;
  let back = NOTHING;
  let hasDrifted = false;
  for (const day of days.slice(next)) {
    if (hasDrifted) {
      const half = (agreement + shareOf(building)) / 2;
      back = day.agreements < half * day.items ? NOTHING : add(back, day);
      if (back === NOTHING) building = add(building, day);
      if (!isBack(back, half)) continue;
      hasDrifted = false;
      state = emptyDetector(1, GRID.length);
      logLevel = -Infinity;
      building = back;
      back = NOTHING;
      continue;
    }
    stepDetector(
      state,
      0,
      Array.from(pass, (gain, j) => day.agreements * gain + (day.items - day.agreements) * fail[j]!),
      state,
    );
    const [level] = streamDetectors(state, GRID.length);
    building = level! < Math.log(3) ? day : add(building, day);
    logLevel = level!;
    hasDrifted = level! >= LOG_THRESHOLD;
  }
  return {
    state: hasDrifted ? "drifted" : "steady",
    baseline,
    current: {
      items: building.items,
      agreement: building.items === 0 ? agreement : shareOf(building),
    },
    nullMean,
    logLevel,
    itemsNeeded: 0,
  };
}

function isBack(back: Count, half: number): boolean {
  if (back.items < RECOVERY_ITEMS_MIN) return false;
  return confidenceSequence(back.agreements, back.items, { alpha: RECOVERY_ALPHA }).lower > half;
}

function shareOf({ items, agreements }: Count): number {
  return agreements / Math.max(1, items);
}

function add(sum: Count, { items, agreements }: Count): Count {
  return { items: sum.items + items, agreements: sum.agreements + agreements };
}
