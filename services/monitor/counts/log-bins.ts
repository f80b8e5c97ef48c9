/**
 * One grid of bins for every number, the same in SQL and here: a feature of any scale is counted where the rows lie,
 * and only counts travel. Frozen bins of a reference are groups of neighbouring grid bins.
 */
import { type PsiSample, wasserstein1 } from "@plumbline/stats";

/** Rows by grid bin; `MISSING_BIN` holds rows without the feature. */
export type Histogram = ReadonlyMap<number, number>;

export const MISSING_BIN = -1;
/** Exactly zero, or below. */
const ZERO_BIN = 0;
const BINS_PER_OCTAVE = 4;
/** The bin that begins at 1; `log_bin` in `feature_hours.sql` uses the same numbers. */
const BIN_OF_ONE = 65;
const BIN_MAX = 160;

/** Bin of a value: 0 for zero, else a quarter of an octave (19% wide) from 2^-16 to 2^24, open at both ends. */
export function logBin(value: number): number {
  if (!(value > 0)) return ZERO_BIN;
  return Math.max(1, Math.min(BIN_MAX, Math.floor(Math.log2(value) * BINS_PER_OCTAVE) + BIN_OF_ONE));
}

/** A value in the middle of the bin, in the feature's unit. */
export function binValue(bin: number): number {
  return bin <= ZERO_BIN ? 0 : 2 ** ((bin - BIN_OF_ONE + 0.5) / BINS_PER_OCTAVE);
}

export function addHistogram(into: Map<number, number>, from: Histogram): void {
  for (const [bin, rows] of from) into.set(bin, (into.get(bin) ?? 0) + rows);
}

export function rowsOf(histogram: Histogram): number {
  let rows = 0;
  for (const count of histogram.values()) rows += count;
  return rows;
}

/**
 * Bins frozen from a reference; plain JSON. Order: values below `edges[0]`, …, values from the last edge on, then
 * exact zero when it has its own bin, then missing.
 */
export interface FrozenBins {
  /** Grid bins that begin a group, ascending; empty when all values share one group. */
  readonly edges: readonly number[];
  readonly hasZeroBin: boolean;
}

const GROUPS = 10;
const ZERO_SHARE_MIN = 0.05;

/**
 * Groups the grid at the reference's deciles: tied deciles collapse, zeros above 5% have their own bin, the outer
 * groups are open. The grid rounds a decile by at most 19%, which both windows share, so no test is biased by it.
 */
export function freezeBins(reference: Histogram): FrozenBins {
  const present = [...reference]
    .filter(([bin, rows]) => bin !== MISSING_BIN && rows > 0)
    .sort(([a], [b]) => a - b);
  const total = present.reduce((sum, [, rows]) => sum + rows, 0);
  const zeros = reference.get(ZERO_BIN) ?? 0;
  const hasZeroBin = zeros > ZERO_SHARE_MIN * total;
  const values = hasZeroBin ? present.filter(([bin]) => bin !== ZERO_BIN) : present;
  const rows = values.reduce((sum, [, count]) => sum + count, 0);
  const edges: number[] = [];
  let before = 0;
  let next = 1;
  for (const [bin, count] of values) {
    if (before > 0 && before >= (next * rows) / GROUPS) {
      edges.push(bin);
      next = Math.floor((before / rows) * GROUPS) + 1;
    }
    before += count;
  }
  // A constant has no decile above its minimum: cut on both sides of it, so that either move shows.
  const [only] = values;
  if (edges.length === 0 && only !== undefined && values.length === 1) edges.push(only[0], only[0] + 1);
  return { edges, hasZeroBin };
}

/** @returns shape [B]: groups, zero when it has a bin, missing */
export function countBins({ edges, hasZeroBin }: FrozenBins, window: Histogram): number[] {
  const counts = Array.from({ length: edges.length + 1 + (hasZeroBin ? 1 : 0) + 1 }, () => 0);
  for (const [bin, rows] of window) {
    if (bin === MISSING_BIN) counts[counts.length - 1]! += rows;
    else if (bin === ZERO_BIN && hasZeroBin) counts[counts.length - 2]! += rows;
    else counts[edges.filter((edge) => edge <= bin).length]! += rows;
  }
  return counts;
}

/** Names of the bins, for evidence: "below 120", "120 to 180", "zero", "missing". */
export function binNames({ edges, hasZeroBin }: FrozenBins): string[] {
  const at = (edge: number): string => Number(binStart(edge).toPrecision(3)).toString();
  const groups = Array.from({ length: edges.length + 1 }, (_, i) => {
    if (edges.length === 0) return hasZeroBin ? "above zero" : "any value";
    if (i === 0) return `below ${at(edges[0]!)}`;
    return i === edges.length ? `${at(edges[i - 1]!)} and more` : `${at(edges[i - 1]!)} to ${at(edges[i]!)}`;
  });
  return [...groups, ...(hasZeroBin ? ["zero"] : []), "missing"];
}

/** The least value of a bin, in the feature's unit. */
export function binStart(bin: number): number {
  return bin <= ZERO_BIN ? 0 : 2 ** ((bin - BIN_OF_ONE) / BINS_PER_OCTAVE);
}

export interface NumericSizes {
  readonly reference_mean: number;
  readonly current_mean: number;
  /** Largest difference of the two distribution functions, in [0,1]. */
  readonly ks: number;
  /** Wasserstein-1 over the reference's IQR/1.349; null when half of the reference is equal. */
  readonly wasserstein_per_iqr: number | null;
}

/** 2 Φ⁻¹(0.75). */
const NORMAL_IQR = 1.3489795003921634;

/** Sizes on the grid, exact to its 19%; null when a side has no value. */
export function numericSizes(reference: Histogram, current: Histogram): NumericSizes | null {
  const r = weighted(reference);
  const c = weighted(current);
  if (r.rows === 0 || c.rows === 0) return null;
  const spread = (quantileOf(r, 0.75) - quantileOf(r, 0.25)) / NORMAL_IQR;
  const distance = wasserstein1(r.values, c.values, { reference: r.weights, current: c.weights });
  const bins = [...new Set([...r.bins, ...c.bins])].sort((a, b) => a - b);
  let ks = 0;
  let f = 0;
  let g = 0;
  for (const bin of bins) {
    f += (reference.get(bin) ?? 0) / r.rows;
    g += (current.get(bin) ?? 0) / c.rows;
    ks = Math.max(ks, Math.abs(f - g));
  }
  return {
    reference_mean: meanOf(r),
    current_mean: meanOf(c),
    ks,
    wasserstein_per_iqr: spread > 0 ? distance / spread : null,
  };
}

interface Weighted {
  readonly bins: readonly number[];
  readonly values: readonly number[];
  readonly weights: readonly number[];
  readonly rows: number;
}

function weighted(histogram: Histogram): Weighted {
  const present = [...histogram]
    .filter(([bin, rows]) => bin !== MISSING_BIN && rows > 0)
    .sort(([a], [b]) => a - b);
  return {
    bins: present.map(([bin]) => bin),
    values: present.map(([bin]) => binValue(bin)),
    weights: present.map(([, rows]) => rows),
    rows: present.reduce((sum, [, rows]) => sum + rows, 0),
  };
}

function meanOf({ values, weights, rows }: Weighted): number {
  return values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / rows;
}

function quantileOf({ values, weights, rows }: Weighted, p: number): number {
  let below = 0;
  for (const [i, weight] of weights.entries()) {
    below += weight;
    if (below >= p * rows) return values[i]!;
  }
  return values.at(-1)!;
}

/** The sample of a PSI of these counts. */
export function sampleOf(reference: readonly number[], current: readonly number[]): PsiSample {
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  return { bins: reference.length, referenceRows: sum(reference), currentRows: sum(current) };
}
