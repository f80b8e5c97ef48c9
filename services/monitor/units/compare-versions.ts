import { confidenceSequence } from "@plumbline/stats";

interface ScoreTotal {
  /** Judged conversations. */
  readonly units: number;
  /** Mean times `units`. */
  readonly score_sum: number;
  /** Equally weighted units that would say as much; `units` when left out. */
  readonly effective_units?: number;
}

/**
 * Total of judged units that were drawn at different rates: each weighs 1/rate, so that a slice judged more often
 * doesn't count for more than its traffic. With one rate it is the plain sum.
 */
export function weightedTotal(
  rows: readonly { readonly score: number; readonly sample_rate: number }[],
): Required<ScoreTotal> {
  const [sum, squares, scores] = rows.reduce(
    ([w, w2, wx], row) => {
      const weight = inverseRate(row);
      return [w + weight, w2 + weight * weight, wx + weight * row.score] as const;
    },
    [0, 0, 0] as readonly [number, number, number],
  );
  const units = rows.length;
  if (units === 0) return { units, score_sum: 0, effective_units: 0 };
  return { units, score_sum: (units * scores) / sum, effective_units: (sum * sum) / squares };
}

/** A rate of zero can't have drawn anything; it weighs as a certain one, which never dominates. */
export function inverseRate({ sample_rate }: { readonly sample_rate: number }): number {
  return sample_rate > 0 ? 1 / sample_rate : 1;
}

interface QualityEstimate extends ScoreTotal {
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
export function estimate(total: ScoreTotal, alpha: number): QualityEstimate {
  const { units, score_sum, effective_units = units } = total;
  const mean = units > 0 ? score_sum / units : 0;
  // A sum of a thousand scores of 1 may come back a rounding above a thousand.
  const { lower, upper } = confidenceSequence(
    Math.min(mean * effective_units, effective_units),
    effective_units,
    {
      alpha,
    },
  );
  return { units, score_sum, mean, interval: [lower, upper] };
}

export interface Comparison {
  readonly candidate: QualityEstimate;
  readonly incumbent: QualityEstimate;
  /** Candidate minus incumbent, score points in [-1,1]. */
  readonly effect: number;
  readonly interval: readonly [number, number];
}

/**
 * The difference of two versions, for people to read; the detector decides. Each mean gets a confidence sequence at
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

/** Standard error of a difference of two passing rates. */
export function effectError({ candidate, incumbent }: Comparison): number {
  const variance = ({ mean, units, effective_units = units }: Comparison["candidate"]): number =>
    effective_units > 0 ? (mean * (1 - mean)) / effective_units : 0.25;
  return Math.sqrt(variance(candidate) + variance(incumbent));
}
