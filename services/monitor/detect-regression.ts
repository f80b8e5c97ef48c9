import { confidenceSequence } from "@plumbline/stats";
import type { QualityRow } from "@plumbline/ports";

/** Judged units of one version on one criterion, as sums. */
export type VersionQuality = Pick<
  QualityRow,
  "prompt_version" | "units" | "score_sum" | "first_started_at" | "last_started_at"
>;

export interface QualityEstimate {
  readonly prompt_version: string;
  /** Judged conversations. */
  readonly units: number;
  /** Mean score in [0,1]. */
  readonly mean: number;
  /** Confidence sequence: contains the mean at every moment at once, with the level of the comparison. */
  readonly interval: readonly [number, number];
}

export interface Comparison {
  readonly verdict: "regressed" | "not_regressed" | "not_enough_data";
  readonly candidate: QualityEstimate;
  readonly incumbent: QualityEstimate;
  /** Candidate minus incumbent, score points in [-1,1]. */
  readonly effect: number;
  readonly interval: readonly [number, number];
  /** 1 − alpha, joint over both sequences and over all times. */
  readonly level: number;
}

export const COMPARISON_METHOD = "two beta-binomial confidence sequences that do not overlap";

/** A version with fewer judged units than this is not compared: surfaces call it "not enough data". */
export const UNITS_MIN = 100;

/**
 * Compares a candidate with its incumbent so that anybody may look at any time.
 *
 * Each mean gets a confidence sequence at alpha/2. While neither mean has moved, the two sequences are disjoint
 * at *some* time with probability at most alpha, however often they are looked at; a drop smaller than
 * `margin` is not called a regression even when it is certain.
 *
 * @param alpha chance of a false regression over the whole life of this pair
 * @param margin smallest drop worth a page, score points
 * @see Howard, Ramdas, McAuliffe, Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences (2021)
 */
export function compareVersions(
  candidate: VersionQuality,
  incumbent: VersionQuality,
  { alpha, margin }: { readonly alpha: number; readonly margin: number },
): Comparison {
  const before = estimate(incumbent, alpha / 2);
  const after = estimate(candidate, alpha / 2);
  const interval = [after.interval[0] - before.interval[1], after.interval[1] - before.interval[0]] as const;
  const isEnough = Math.min(before.units, after.units) >= UNITS_MIN;
  const verdict = !isEnough ? "not_enough_data" : interval[1] < -margin ? "regressed" : "not_regressed";
  return {
    verdict,
    candidate: after,
    incumbent: before,
    effect: after.mean - before.mean,
    interval,
    level: 1 - alpha,
  };
}

/** Mean and confidence sequence of one version. Without units the mean is NaN and the interval is everything. */
export function estimate(version: VersionQuality, alpha: number): QualityEstimate {
  const { prompt_version, units, score_sum } = version;
  // A sum of a thousand scores of 1 may come back a rounding above a thousand.
  const { lower, upper } = confidenceSequence(Math.min(score_sum, units), units, { alpha });
  return { prompt_version, units, mean: score_sum / units, interval: [lower, upper] };
}

/**
 * The pair to compare: the version that appeared last, and the last one before it that is not itself known to
 * be worse. Comparing with a bad predecessor would call the damage normal.
 *
 * @returns null while there is only one version
 */
export function choosePair(
  versions: readonly VersionQuality[],
  regressed: ReadonlySet<string>,
): { readonly candidate: VersionQuality; readonly incumbent: VersionQuality } | null {
  const byStart = versions
    .filter((version) => version.prompt_version !== "")
    .toSorted((a, b) => a.first_started_at.localeCompare(b.first_started_at));
  const candidate = byStart.at(-1);
  const incumbent = byStart.slice(0, -1).findLast((version) => !regressed.has(version.prompt_version));
  return candidate === undefined || incumbent === undefined ? null : { candidate, incumbent };
}

/**
 * Whether quality came back after a regression: the sequence of the version that now serves lies wholly above the
 * regressed one's. Anything less is "watching", not "recovered".
 */
export function hasRecovered(
  regressed: VersionQuality,
  current: VersionQuality,
  { alpha }: { readonly alpha: number },
): boolean {
  if (current.units < UNITS_MIN) return false;
  return estimate(current, alpha / 2).interval[0] > estimate(regressed, alpha / 2).interval[1];
}
