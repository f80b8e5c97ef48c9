import { confidenceSequence } from "@plumbline/stats";

export interface ScoreTotal {
  /** Judged conversations. */
  readonly units: number;
  readonly score_sum: number;
}

export interface QualityEstimate extends ScoreTotal {
  /** Mean score in [0,1]; 0 without units, which the interval [0,1] gives away. */
  readonly mean: number;
  /** Confidence sequence: contains the mean at every moment at once. */
  readonly interval: readonly [number, number];
}

/**
 * Mean and confidence sequence of judged units; valid however often anybody looks.
 *
 * @see Howard, Ramdas, McAuliffe, Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences (2021)
 */
export function estimate({ units, score_sum }: ScoreTotal, alpha: number): QualityEstimate {
  // A sum of a thousand scores of 1 may come back a rounding above a thousand.
  const { lower, upper } = confidenceSequence(Math.min(score_sum, units), units, { alpha });
  return { units, score_sum, mean: units > 0 ? score_sum / units : 0, interval: [lower, upper] };
}

export interface Comparison {
  readonly candidate: QualityEstimate;
  readonly incumbent: QualityEstimate;
  /** Candidate minus incumbent, score points in [-1,1]. */
  readonly effect: number;
  readonly interval: readonly [number, number];
}

/**
 * How much better or worse, for people to read; the detector decides. Each mean gets a confidence sequence at
 * alpha/2, so the interval of the difference holds at all times at once with probability 1 − alpha.
 */
export function compareVersions(candidate: ScoreTotal, incumbent: ScoreTotal, alpha: number): Comparison {
  const before = estimate(incumbent, alpha / 2);
  const after = estimate(candidate, alpha / 2);
  return {
    candidate: after,
    incumbent: before,
    effect: after.mean - before.mean,
    interval: [after.interval[0] - before.interval[1], after.interval[1] - before.interval[0]],
  };
}
