/**
 * Tests whether the answers changed with the version: features of all outputs, candidate against incumbent, hour by hour,
 * in all traffic and in every registered slice of the inputs. Pure. It knows nothing of quality: an alarm says what moved,
 * by how much and where.
 *
 * Over all traffic the incumbent is reweighted, in every hour, to the candidate's mix of cells (money or not, by
 * length), so a change of what users send is not mistaken for a change of the answers. A slice fixes its predicate
 * and is compared as it is.
 *
 * Each (slice, feature) is a stream: relevance test per window, p to e, Shiryaev–Roberts, e-BH over all streams with
 * hourly patience. Windows are whole hours of enough calls; that depends on counts of inputs only, so the test stays
 * valid at every look. A stream is read in two sizes of windows and its level is their average, which is a detector
 * again: small ones see a mark on most answers within the hour, large ones what ten calls can't show, such as answers
 * of half the length, also where a day has no more than a hundred calls.
 */
import { DRIFT_PATIENCE, driftFlags, driftStep, psi, psiDebiased, psiTolerance } from "@plumbline/stats";
import { compareBins, type BinComparison } from "../counts/compare-bins.ts";
import {
  binNames,
  countBins,
  freezeBins,
  numericSizes,
  sampleOf,
  type FrozenBins,
  type NumericSizes,
} from "../counts/log-bins.ts";
import {
  addCounts,
  ALL,
  CELL_PREFIX,
  emptyCounts,
  sumCounts,
  withMissing,
  type MutableCounts,
  type VersionCounts,
  type VersionHour,
} from "../counts/version-memory.ts";

/**
 * Sizes of windows. `calls`: of a slice before its pending hours are compared. `calm`: windows in a row without evidence
 * after which outputs are as the reference again; levels alone would take weeks to fall.
 */
const WINDOWS = [
  { calls: 10, calm: 6 },
  { calls: 100, calm: 3 },
] as const;
/** Calm windows where a window is a day. */
const CALM_DAYS = 3;
/** Reference calls of a slice that is registered, and its share of traffic. */
const REFERENCE_CALLS_MIN = 100;
const SLICE_SHARE_MIN = 0.01;
/** A slice that nearly everything is in says nothing that all traffic does not say. */
const SLICE_SHARE_MAX = 0.95;
const SLICES_MAX = 16;
/** A level is held at this multiple of what flags alone: a flag outlives its cause by a bounded number of windows. */
const CAP_FACTOR = 10;
/** A level from which a stream may be moving, far below a flag. */
const SUSPICIOUS_LEVEL = 20;
/** Share of current calls in cells that the reference does not know; above it, mixes cannot be matched. */
const UNKNOWN_CELLS_MAX = 0.5;

export interface FingerprintResult {
  /** `ALL` or a slice. */
  readonly slice: string;
  readonly feature: string;
  readonly level: number;
  /** Everything since the deploy, or since something moved, against the reference: sizes, not a decision. */
  readonly comparison: BinComparison;
  readonly sizes: NumericSizes | null;
  readonly bins: {
    readonly names: readonly string[];
    readonly reference: readonly number[];
    readonly current: readonly number[];
  };
  readonly referenceCalls: number;
  readonly currentCalls: number;
  /** Share of the candidate's calls that are in the slice. */
  readonly shareOfTraffic: number;
}

interface FingerprintOptions {
  /** Windows in which chance may raise one flag; hourly windows when left out. */
  readonly patience?: number;
  /** The reference is the version's own past: sizes are of the windows since something began to move. */
  readonly isOwnPast?: boolean;
}

interface Detector {
  level: number;
  /** Newest windows in a row without evidence of a move. */
  calm: number;
}

interface Stream {
  readonly slice: string;
  readonly feature: string;
  readonly bins: FrozenBins;
  readonly tau: number;
  /** One for each size of windows. */
  readonly detectors: readonly Detector[];
}

/** Hours of a slice that wait to become a window. */
interface Pending {
  readonly slice: string;
  readonly streams: readonly Stream[];
  /** Position in `WINDOWS`. */
  readonly size: number;
  counts: MutableCounts;
}

export class OutputFingerprint {
  readonly #reference: MutableCounts;
  readonly #streams: Stream[];
  readonly #pending: readonly Pending[];
  readonly #cells: readonly string[];
  readonly #patience: number;
  readonly #isOwnPast: boolean;
  #since = emptyCounts();

  /** @param weeks the incumbent's weekly counts, frozen here */
  constructor(weeks: readonly VersionCounts[], options: FingerprintOptions = {}) {
    const { patience = DRIFT_PATIENCE.hourly, isOwnPast = false } = options;
    this.#patience = patience;
    this.#isOwnPast = isOwnPast;
    this.#reference = sumCounts(weeks);
    this.#cells = [...this.#reference.calls.keys()].filter((slice) => slice.startsWith(CELL_PREFIX));
    this.#streams = registeredSlices(this.#reference).flatMap((slice) =>
      [...(this.#reference.features.get(slice)?.keys() ?? [])].sort().map((feature) => {
        const bins = freezeBins(withMissing(this.#reference, slice, feature));
        return {
          slice,
          feature,
          bins,
          tau: toleranceOf(weeks, slice, feature, bins),
          detectors: WINDOWS.map(() => ({ level: 0, calm: 0 })),
        };
      }),
    );
    this.#pending = [...bySlice(this.#streams)].flatMap(([slice, streams]) =>
      WINDOWS.map((_, size) => ({ slice, streams, size, counts: emptyCounts() })),
    );
  }

  /** Streams that are watched; 0 while the incumbent has too few calls. */
  get streams(): number {
    return this.#streams.length;
  }

  /** Calls of the candidate so far. */
  get calls(): number {
    return this.#since.calls.get(ALL) ?? 0;
  }

  get isSuspicious(): boolean {
    return this.#streams.some((stream) => levelOf(stream) >= SUSPICIOUS_LEVEL);
  }

  /** Forgets what the windows so far said. */
  reset(): void {
    for (const { detectors } of this.#streams) {
      for (const each of detectors) Object.assign(each, { level: 0, calm: 0 });
    }
    for (const pending of this.#pending) pending.counts = emptyCounts();
  }

  /** Folds one window, an hour of the candidate; in order, each once. @returns what is flagged, the clearest first */
  addHour(hour: VersionHour): readonly FingerprintResult[] {
    if (this.#isOwnPast && !this.isSuspicious) this.#since = emptyCounts();
    addCounts(this.#since, hour);
    for (const pending of this.#pending) {
      const { slice, size } = pending;
      addCounts(pending.counts, slice === ALL ? hour : sliceOf(hour, slice));
      if ((pending.counts.calls.get(slice) ?? 0) < WINDOWS[size]!.calls) continue;
      this.#closeWindow(pending);
      pending.counts = emptyCounts();
    }
    return this.flagged();
  }

  #closeWindow({ slice, streams, size, counts: window }: Pending): void {
    for (const stream of streams) {
      const counts = this.#counts(stream, window);
      if (counts === null) continue;
      const { eValue } = compareBins(counts.reference, counts.current, stream.tau);
      const cap = CAP_FACTOR * this.#patience * this.#streams.length;
      const detector = stream.detectors[size]!;
      detector.level = Math.min(driftStep(detector.level, eValue), cap);
      detector.calm = eValue > 1 ? 0 : detector.calm + 1;
      const isOver = detector.calm >= (this.#isOwnPast ? CALM_DAYS : WINDOWS[size]!.calm);
      if (isOver && detector.level >= SUSPICIOUS_LEVEL) this.#end(stream, slice, size);
    }
  }

  /** A move that ended in small windows has ended: large ones, half full of older answers, would see it days later. */
  #end({ detectors }: Stream, slice: string, size: number): void {
    for (const each of detectors.slice(size)) Object.assign(each, { level: 0, calm: 0 });
    for (const pending of this.#pending) {
      if (pending.slice === slice && pending.size > size) pending.counts = emptyCounts();
    }
  }

  flagged(): readonly FingerprintResult[] {
    return this.#flaggedStreams()
      .flatMap((stream) => this.#describe(stream) ?? [])
      .sort((a, b) => b.comparison.interval[0] - a.comparison.interval[0]);
  }

  #flaggedStreams(): readonly Stream[] {
    return driftFlags(
      this.#streams.map((stream) => levelOf(stream)),
      this.#patience,
    ).map((index) => this.#streams[index]!);
  }

  #describe(stream: Stream): FingerprintResult | null {
    const counts = this.#counts(stream, this.#since);
    if (counts === null) return null;
    const { slice, feature, bins, tau } = stream;
    return {
      slice,
      feature,
      level: levelOf(stream),
      comparison: compareBins(counts.reference, counts.current, tau),
      sizes: numericSizes(
        withMissing(this.#reference, slice, feature),
        withMissing(this.#since, slice, feature),
      ),
      bins: { names: binNames(bins), ...counts },
      referenceCalls: Math.round(sampleOf(counts.reference, counts.current).referenceRows),
      currentCalls: sampleOf(counts.reference, counts.current).currentRows,
      shareOfTraffic: (this.#since.calls.get(slice) ?? 0) / Math.max(1, this.calls),
    };
  }

  #counts(
    { slice, feature, bins }: Stream,
    current: VersionCounts,
  ): { reference: number[]; current: number[] } | null {
    const of = (counts: VersionCounts, name: string): number[] =>
      countBins(bins, withMissing(counts, name, feature));
    if (slice !== ALL) return { reference: of(this.#reference, slice), current: of(current, slice) };
    return matchMix(
      this.#cells.map((cell) => ({ reference: of(this.#reference, cell), current: of(current, cell) })),
      current.calls.get(ALL) ?? 0,
    );
  }
}

/** The average of detectors bounds false alarms as each of them does. */
function levelOf({ detectors }: Stream): number {
  return detectors.reduce((sum, { level }) => sum + level, 0) / detectors.length;
}

/**
 * The reference as it would have been with the current mix of cells: each cell's shares, weighted by the cell's share
 * of the current window, at the effective number of rows n = 1 / Σ w²/n_cell.
 */
function matchMix(
  cells: readonly { readonly reference: readonly number[]; readonly current: readonly number[] }[],
  calls: number,
): { reference: number[]; current: number[] } | null {
  const rows = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const known = cells.filter(({ reference }) => rows(reference) > 0);
  const total = known.reduce((sum, { current }) => sum + rows(current), 0);
  const [first] = known;
  if (first === undefined || total === 0 || total < (1 - UNKNOWN_CELLS_MAX) * calls) return null;
  const shares = first.reference.map(() => 0);
  const current = first.reference.map(() => 0);
  let inverse = 0;
  for (const cell of known) {
    const weight = rows(cell.current) / total;
    const size = rows(cell.reference);
    inverse += (weight * weight) / size;
    for (let i = 0; i < shares.length; i++) {
      shares[i]! += (weight * cell.reference[i]!) / size;
      current[i]! += cell.current[i]!;
    }
  }
  return { reference: shares.map((share) => share / inverse), current };
}

function registeredSlices(reference: VersionCounts): string[] {
  const all = reference.calls.get(ALL) ?? 0;
  if (all < REFERENCE_CALLS_MIN) return [];
  const slices = [...reference.calls]
    .filter(([slice, calls]) => {
      const share = calls / all;
      const isEligible = slice !== ALL && !slice.startsWith(CELL_PREFIX) && !slice.startsWith("model=");
      return (
        isEligible && calls >= REFERENCE_CALLS_MIN && share >= SLICE_SHARE_MIN && share <= SLICE_SHARE_MAX
      );
    })
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, SLICES_MAX)
    .map(([slice]) => slice);
  return [ALL, ...slices];
}

/** Tolerance of PSI, nats: how much the incumbent moves from week to week when nothing is wrong. */
function toleranceOf(
  weeks: readonly VersionCounts[],
  slice: string,
  feature: string,
  bins: FrozenBins,
): number {
  const counts = weeks
    .map((week) => countBins(bins, withMissing(week, slice, feature)))
    .filter((each) => each.reduce((sum, n) => sum + n, 0) >= REFERENCE_CALLS_MIN);
  if (counts.length < 2) return psiTolerance([]);
  return psiTolerance(
    counts.map((week, i) => {
      const others = week.map((_, bin) =>
        counts.reduce((sum, each, j) => (j === i ? sum : sum + each[bin]!), 0),
      );
      return psiDebiased(psi(others, week), sampleOf(others, week));
    }),
  );
}

function sliceOf(hour: VersionHour, slice: string): VersionCounts {
  return {
    calls: new Map([[slice, hour.calls.get(slice) ?? 0]]),
    features: new Map([[slice, hour.features.get(slice) ?? new Map()]]),
  };
}

function bySlice(streams: readonly Stream[]): Map<string, Stream[]> {
  const groups = new Map<string, Stream[]>();
  for (const stream of streams) groups.set(stream.slice, [...(groups.get(stream.slice) ?? []), stream]);
  return groups;
}
