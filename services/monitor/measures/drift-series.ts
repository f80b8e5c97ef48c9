/**
 * Drift of one use case, window by window: which features of the inputs (and, while no deploy is near, of the outputs)
 * moved away from the same time of the week before. Pure: fold windows in order, the same windows give the same flags.
 *
 * - Reference: the same time of the week over the last four weeks. While the use case is younger than four weeks, or
 *   when fewer than two such windows are clean: the same time of day on every day there is, from seven days on.
 * - A feature's suspicious windows (level ≥ 20, far below a flag) are left out of its own later references, so drift
 *   cannot hide by becoming its own reference. When they leave no reference, four weeks of the new mix have become the
 *   mix: the feature starts anew, and its flag ends.
 * - Bins and topics are frozen for 28 days; a young use case freezes again when its history has doubled.
 */
import {
  classifyDomain,
  DRIFT_PATIENCE,
  driftFlags,
  driftStep,
  psi,
  psiDebiased,
  psiTolerance,
  pToEMixture,
  type DomainClassification,
  type TextDocument,
} from "@plumbline/stats";
import { compareBins, type BinComparison } from "./compare-bins.ts";
import {
  addHistogram,
  binNames,
  countBins,
  freezeBins,
  numericSizes,
  sampleOf,
  type FrozenBins,
  type Histogram,
  type NumericSizes,
} from "./log-bins.ts";
import { groupBy } from "./group-by.ts";
import { fitTopics, TOPIC_TEXTS_MIN, topicsOf, type TopicModel } from "./topics.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const MEMORY_MS = 28 * DAY_MS;
/** No comparison before the use case is a week old: a weekend is not drift. */
const AGE_MIN_MS = 7 * DAY_MS;
/** A window or reference with fewer rows decides nothing. */
const WINDOW_ROWS_MIN = 50;
const REFERENCE_ROWS_MIN = 200;
const SUSPICIOUS_LEVEL = 20;
/** A level is held at this multiple of what flags alone, so that a flag ends about a week after its drift. */
const LEVEL_CAP_FACTOR = 10;
/** Slices in fewer reference rows than this share are too rare to be a feature. */
const SLICE_SHARE_MIN = 0.01;
const SLICES_MAX = 24;
const TEXT_PREFIX = "in_topic: ";
export const TEXT_FEATURE = "in_text";

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

/** Characters that the classifier looks at, of one text and of one side: a day must not take minutes. */
const TEXT_CHARS_MAX = 600;
const SIDE_CHARS_MAX = 150_000;

/** A text with the day that it came from. */
export interface DatedText extends TextDocument {
  /** Start of the UTC day, ms. */
  readonly day: number;
}

export interface FeatureResult {
  readonly feature: string;
  readonly side: "input" | "output";
  /** Of the outputs' version; empty for inputs. */
  readonly prompt_version: string;
  readonly method: "psi" | "domain_classifier";
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly referenceStart: number;
  readonly referenceEnd: number;
  readonly referenceRows: number;
  readonly currentRows: number;
  readonly pValue: number;
  readonly level: number;
  /** Debiased PSI in nats, or AUC minus 0.5. */
  readonly size: number;
  readonly interval: readonly [number, number];
  readonly tau: number;
  readonly comparison: BinComparison | null;
  readonly sizes: NumericSizes | null;
  readonly bins: {
    readonly names: readonly string[];
    readonly reference: readonly number[];
    readonly current: readonly number[];
  } | null;
  readonly text: DomainClassification | null;
}

export interface DriftDecision {
  readonly results: readonly FeatureResult[];
  /** Newest result of every flagged feature, the strongest first. */
  readonly flagged: readonly FeatureResult[];
  /** Whether some feature of the inputs has begun to move, long before it is flagged. */
  readonly isInputMoving: boolean;
  /** What a level had to reach alone, in units of its own patience: the number of features. */
  readonly features: number;
}

interface FeatureState {
  level: number;
  readonly patience: number;
  readonly suspicious: Set<number>;
  last: FeatureResult | null;
}

interface Snapshot {
  readonly frozenAt: number;
  readonly inputs: ReadonlyMap<string, FrozenBins>;
  readonly outputs: ReadonlyMap<string, FrozenBins>;
  readonly slices: readonly string[];
}

interface TopicSnapshot {
  readonly frozenAt: number;
  readonly history: number;
  readonly model: TopicModel;
}

interface TopicDay {
  readonly start: number;
  readonly texts: number;
  /** Texts per topic. */
  readonly counts: readonly number[];
}

const PATIENCE: Readonly<Record<WidthHours, number>> = {
  1: DRIFT_PATIENCE.hourly,
  6: DRIFT_PATIENCE.hourly / 6,
  24: DRIFT_PATIENCE.daily,
};

export class DriftSeries {
  readonly #features = new Map<string, FeatureState>();
  #windows: DriftWindow[] = [];
  #firstStart: number | null = null;
  #snapshot: Snapshot | null = null;
  #topics: TopicSnapshot | null = null;
  #topicDays: TopicDay[] = [];
  #textDays: number[] = [];

  /** Decides a closed window against what came before, then keeps it as a reference of later ones. */
  closeWindow(window: DriftWindow): DriftDecision {
    this.#firstStart ??= window.start;
    this.#windows = this.#windows.filter(
      (each) =>
        each.start >= window.start - MEMORY_MS &&
        each.start < window.start &&
        each.widthHours === window.widthHours,
    );
    this.#forget(window.start);
    const results = window.start - this.#firstStart >= AGE_MIN_MS ? this.#compareWindow(window) : [];
    this.#windows.push(window);
    return this.#decide(results);
  }

  /** Days whose texts a text window starting at `day` is compared with, ascending. */
  textReferenceDays(day: number): readonly number[] {
    const suspicious = this.#features.get(TEXT_FEATURE)?.suspicious;
    return this.#textDays.filter(
      (each) => each >= day - MEMORY_MS && each < day && suspicious?.has(each) !== true,
    );
  }

  /** Decides a day of texts: topics, and a classifier that tries to tell the day from its reference. */
  closeTextDay(
    day: number,
    current: readonly TextDocument[],
    reference: readonly DatedText[],
  ): DriftDecision {
    this.#forget(day);
    const first = this.#textDays[0] ?? day;
    const results: FeatureResult[] = [];
    if (
      day - first >= AGE_MIN_MS &&
      current.length >= WINDOW_ROWS_MIN &&
      reference.length >= REFERENCE_ROWS_MIN
    ) {
      this.#freezeTopics(day, reference);
      results.push(...this.#compareTopics(day, current), this.#classify(day, current, reference));
    }
    if (this.#topics !== null) this.#topicDays.push(countTopics(this.#topics.model, day, current));
    this.#textDays.push(day);
    return this.#decide(results);
  }

  #decide(results: readonly FeatureResult[]): DriftDecision {
    const states = [...this.#features.values()];
    const flags = driftFlags(
      states.map(({ level, patience }) => level / patience),
      1,
    );
    const flagged = flags.flatMap((index) => states[index]!.last ?? []);
    const strength = (result: FeatureResult): number => result.interval[0] / Math.max(result.tau, 1e-9);
    return {
      results,
      flagged: flagged.sort((a, b) => strength(b) - strength(a)),
      isInputMoving: states.some(({ level, last }) => last?.side === "input" && level >= SUSPICIOUS_LEVEL),
      features: states.length,
    };
  }

  #compareWindow(window: DriftWindow): FeatureResult[] {
    const snapshot = this.#frozen(window);
    if (window.calls < WINDOW_ROWS_MIN) return [];
    const results: (FeatureResult | null)[] = [];
    for (const [feature, bins] of snapshot.inputs) {
      results.push(
        this.#compareCounts(window, feature, "input", bins, (each) => each.inputs.get(feature) ?? null),
      );
    }
    for (const slice of snapshot.slices) {
      results.push(
        this.#compareCounts(window, slice, "input", null, (each) =>
          yesNo(each.slices.get(slice) ?? 0, each.calls),
        ),
      );
    }
    // A version is compared with itself, once it is a week old; until then the deploy explains what moves.
    const own = this.#windows.find((each) => each.version === window.version);
    if (own !== undefined && window.start - own.start >= AGE_MIN_MS) {
      for (const [feature, bins] of snapshot.outputs) {
        results.push(
          this.#compareCounts(window, feature, "output", bins, (each) =>
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

  #compareCounts(
    window: DriftWindow,
    feature: string,
    side: "input" | "output",
    bins: FrozenBins | null,
    histogramOf: (window: DriftWindow) => Histogram | null,
  ): FeatureResult | null {
    const counts = (histogram: Histogram): number[] =>
      bins === null ? [histogram.get(0) ?? 0, histogram.get(1) ?? 0] : countBins(bins, histogram);
    const currentHistogram = histogramOf(window);
    if (currentHistogram === null) return null;
    const state = this.#state(feature, PATIENCE[window.widthHours]);
    const past = this.#windows.flatMap((each) => {
      const histogram =
        state.suspicious.has(each.start) || !isSameTimeOfDay(each, window) ? null : histogramOf(each);
      return histogram === null ? [] : [{ start: each.start, counts: counts(histogram), histogram }];
    });
    const current = counts(currentHistogram);
    const compared = this.#compare(state, window.start, window.widthHours, past, current);
    if (compared === null) return null;
    const { comparison, reference, used } = compared;
    const histogram = new Map<number, number>();
    for (const each of used) addHistogram(histogram, each.histogram);
    const sample = sampleOf(reference, current);
    return this.#keep(state, {
      feature,
      side,
      prompt_version: side === "output" ? window.version : "",
      method: "psi",
      windowStart: window.start,
      windowEnd: window.start + window.widthHours * HOUR_MS,
      referenceStart: used[0]!.start,
      referenceEnd: used.at(-1)!.start + window.widthHours * HOUR_MS,
      referenceRows: sample.referenceRows,
      currentRows: sample.currentRows,
      pValue: comparison.pValue,
      level: state.level,
      size: comparison.psi,
      interval: comparison.interval,
      tau: comparison.tau,
      comparison,
      sizes: bins === null ? null : numericSizes(histogram, currentHistogram),
      bins: { names: bins === null ? ["no", "yes"] : binNames(bins), reference, current },
      text: null,
    });
  }

  /** Reference, tolerance, test and detector step; null when there is no reference. */
  #compare<Past extends { readonly start: number; readonly counts: readonly number[] }>(
    state: FeatureState,
    start: number,
    widthHours: WidthHours,
    past: readonly Past[],
    current: readonly number[],
  ): { comparison: BinComparison; reference: number[]; used: readonly Past[] } | null {
    const isMature = this.#isMature(start);
    const used = referenceOf(start, widthHours, past, isMature);
    const reference = summed(used, current.length);
    if (sampleOf(reference, current).referenceRows < REFERENCE_ROWS_MIN) {
      if (state.suspicious.size > 0) {
        state.suspicious.clear();
        state.level = 0;
      }
      return null;
    }
    if (sampleOf(reference, current).currentRows < WINDOW_ROWS_MIN) return null;
    const moves = past.flatMap((each) => {
      const own = summed(
        referenceOf(
          each.start,
          widthHours,
          past.filter((other) => other !== each),
          isMature,
        ),
        current.length,
      );
      const sample = sampleOf(own, each.counts);
      if (sample.referenceRows < REFERENCE_ROWS_MIN || sample.currentRows < WINDOW_ROWS_MIN) return [];
      return [psiDebiased(psi(own, each.counts), sample)];
    });
    const comparison = compareBins(reference, current, psiTolerance(moves));
    this.#step(state, start, comparison.eValue);
    return { comparison, reference, used };
  }

  #step(state: FeatureState, start: number, eValue: number): void {
    const cap = LEVEL_CAP_FACTOR * state.patience * Math.max(1, this.#features.size);
    state.level = Math.min(driftStep(state.level, eValue), cap);
    if (state.level >= SUSPICIOUS_LEVEL) state.suspicious.add(start);
  }

  #keep(state: FeatureState, result: FeatureResult): FeatureResult {
    state.last = result;
    return result;
  }

  #isMature(start: number): boolean {
    const first = Math.min(this.#firstStart ?? start, this.#textDays[0] ?? start);
    return start - first >= MEMORY_MS;
  }

  #state(feature: string, patience: number): FeatureState {
    const known = this.#features.get(feature);
    if (known !== undefined && known.patience === patience) return known;
    const state: FeatureState = { level: 0, patience, suspicious: new Set(), last: null };
    this.#features.set(feature, state);
    return state;
  }

  #forget(now: number): void {
    for (const { suspicious } of this.#features.values()) {
      for (const start of suspicious) if (start < now - MEMORY_MS) suspicious.delete(start);
    }
    this.#topicDays = this.#topicDays.filter(({ start }) => start >= now - MEMORY_MS);
    // The first day stays: it tells the age.
    this.#textDays = this.#textDays.filter((day, i) => i === 0 || day >= now - MEMORY_MS);
  }

  #freezeTopics(day: number, reference: readonly DatedText[]): void {
    const history = Math.round((day - (this.#textDays[0] ?? day)) / DAY_MS);
    const due =
      this.#topics === null ||
      day - this.#topics.frozenAt >= MEMORY_MS ||
      (this.#topics.history < 28 && history >= 2 * this.#topics.history);
    // Topics made while a shift is on would take it for granted.
    const isCalm = ![...this.#features].some(
      ([name, { level }]) => isTextFeature(name) && level >= SUSPICIOUS_LEVEL,
    );
    if (!due || (this.#topics !== null && !isCalm) || reference.length < TOPIC_TEXTS_MIN) return;
    const model = fitTopics(reference);
    if (model === null) return;
    this.#topics = { frozenAt: day, history, model };
    for (const name of this.#features.keys()) if (name.startsWith(TEXT_PREFIX)) this.#features.delete(name);
    const byDay = groupBy(reference, (text) => text.day);
    this.#topicDays = [...byDay]
      .map(([start, texts]) => countTopics(model, start, texts))
      .sort((a, b) => a.start - b.start);
  }

  #compareTopics(day: number, current: readonly TextDocument[]): FeatureResult[] {
    if (this.#topics === null) return [];
    const { model } = this.#topics;
    const today = countTopics(model, day, current);
    return model.topics.flatMap((topic, i) => {
      const feature = `${TEXT_PREFIX}${topic.words.join(", ")} (${i + 1})`;
      const state = this.#state(feature, DRIFT_PATIENCE.daily);
      const past = this.#topicDays
        .filter(({ start }) => !state.suspicious.has(start))
        .map(({ start, texts, counts }) => ({ start, counts: [texts - counts[i]!, counts[i]!] }));
      const counts = [today.texts - today.counts[i]!, today.counts[i]!];
      const compared = this.#compare(state, day, 24, past, counts);
      if (compared === null) return [];
      const { comparison, reference, used } = compared;
      const sample = sampleOf(reference, counts);
      return [
        this.#keep(state, {
          feature,
          side: "input",
          prompt_version: "",
          method: "psi",
          windowStart: day,
          windowEnd: day + DAY_MS,
          referenceStart: used[0]!.start,
          referenceEnd: used.at(-1)!.start + DAY_MS,
          referenceRows: sample.referenceRows,
          currentRows: sample.currentRows,
          pValue: comparison.pValue,
          level: state.level,
          size: comparison.psi,
          interval: comparison.interval,
          tau: comparison.tau,
          comparison,
          sizes: null,
          bins: { names: ["no", "yes"], reference, current: counts },
          text: null,
        }),
      ];
    });
  }

  #classify(day: number, current: readonly TextDocument[], reference: readonly DatedText[]): FeatureResult {
    const state = this.#state(TEXT_FEATURE, DRIFT_PATIENCE.daily);
    const text = classifyDomain(bounded(reference), bounded(current));
    this.#step(state, day, pToEMixture(Math.max(text.pValue, 1e-15)));
    const half = 1.96 * Math.sqrt(text.auc.variance);
    return this.#keep(state, {
      feature: TEXT_FEATURE,
      side: "input",
      prompt_version: "",
      method: "domain_classifier",
      windowStart: day,
      windowEnd: day + DAY_MS,
      referenceStart: Math.min(...reference.map((each) => each.day)),
      referenceEnd: Math.max(...reference.map((each) => each.day)) + DAY_MS,
      referenceRows: reference.length,
      currentRows: current.length,
      pValue: text.pValue,
      level: state.level,
      size: text.auc.auc - 0.5,
      interval: [text.auc.auc - 0.5 - half, text.auc.auc - 0.5 + half],
      tau: 0.05,
      comparison: null,
      sizes: null,
      bins: null,
      text,
    });
  }
}

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
const WIDTH_ROWS_MEDIAN = 500;

function referenceOf<Past extends { readonly start: number }>(
  start: number,
  widthHours: WidthHours,
  past: readonly Past[],
  isMature: boolean,
): readonly Past[] {
  if (!isMature) return past;
  const matched = past.filter((each) => isSameTimeOfWeek(each.start, start, widthHours));
  return matched.length >= 2 ? matched : past;
}

/** Weeks are counted from the epoch; windows of an hour match their neighbours too. */
function isSameTimeOfWeek(a: number, b: number, widthHours: WidthHours): boolean {
  const apart = Math.abs(a - b) % (7 * DAY_MS);
  return Math.min(apart, 7 * DAY_MS - apart) <= (widthHours === 1 ? HOUR_MS : 0);
}

function isSameTimeOfDay(a: DriftWindow, b: DriftWindow): boolean {
  const apart = Math.abs(a.start - b.start) % DAY_MS;
  return Math.min(apart, DAY_MS - apart) <= (b.widthHours === 1 ? HOUR_MS : 0);
}

function summed(past: readonly { readonly counts: readonly number[] }[], bins: number): number[] {
  const sums = Array.from({ length: bins }, () => 0);
  for (const { counts } of past) for (let i = 0; i < bins; i++) sums[i]! += counts[i]!;
  return sums;
}

function yesNo(rows: number, calls: number): Histogram {
  return new Map([
    [0, calls - rows],
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

function countTopics(model: TopicModel, start: number, texts: readonly TextDocument[]): TopicDay {
  const counts = model.topics.map(() => 0);
  for (const { text } of texts) for (const topic of topicsOf(model, text)) counts[topic]!++;
  return { start, texts: texts.length, counts };
}

/** Whether a feature is about words and not a slice or a number. */
export function isTextFeature(feature: string): boolean {
  return feature.startsWith(TEXT_PREFIX) || feature === TEXT_FEATURE;
}

/** Heads of texts within the budget: all of them, or every k-th when they are long. */
function bounded(texts: readonly TextDocument[]): readonly TextDocument[] {
  const heads = texts.map(({ id, text }) => ({ id, text: text.slice(0, TEXT_CHARS_MAX) }));
  const step = Math.ceil(heads.reduce((sum, { text }) => sum + text.length, 0) / SIDE_CHARS_MAX);
  return step <= 1 ? heads : heads.filter((_, i) => i % step === 0);
}
