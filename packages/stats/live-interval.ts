import { asymptoticConfidenceSequence } from "./asymptotic-confidence-sequence.ts";
import { confidenceSequence } from "./confidence-sequence.ts";
import type { Interval } from "./interval.ts";

/** Sums over judged units; additive over hours. */
export interface ScoreSums {
  readonly n: number;
  /** Σ x, score points. */
  readonly sum: number;
  /** Σ x². For verdicts equal to `sum`. */
  readonly sumOfSquares: number;
}

/** What a page that is looked at any time may print about a mean. */
export interface LiveInterval extends Interval {
  /** NaN when n = 0. Below `MEAN_UNITS_MIN` units print "k of n passed" instead. */
  readonly mean: number;
  readonly method: "exact" | "asymptotic";
  /** Whether the mean itself may be printed. */
  readonly printable: boolean;
}

export const MEAN_UNITS_MIN = 10;

/**
 * The interval of a version's quality on a live page: the exact beta-binomial sequence, or the
 * asymptotic one, labelled so, for 100 or more scores whose variance is below a third of mean(1 − mean).
 *
 * @param inflation c ≥ 1 from `dispersion`: tempers the exact sequence, widens the asymptotic one
 */
export function liveInterval(
  sums: ScoreSums,
  options: { readonly alpha?: number; readonly inflation?: number } = {},
): LiveInterval {
  const { alpha = 0.05, inflation = 1 } = options;
  const { n, sum, sumOfSquares } = sums;
  if (!(inflation >= 1)) throw new RangeError(`liveInterval: inflation = ${inflation}, needs >= 1`);
  const mean = sum / n;
  const printable = n >= MEAN_UNITS_MIN;
  const variance = n > 1 ? Math.max(0, (sumOfSquares - n * mean * mean) / (n - 1)) : Number.NaN;
  if (n >= 100 && variance < (mean * (1 - mean)) / 3) {
    const { lower, upper } = asymptoticConfidenceSequence(mean, Math.sqrt(inflation * variance), n, {
      alpha,
    });
    return { mean, lower: Math.max(0, lower), upper: Math.min(1, upper), method: "asymptotic", printable };
  }
  return { mean, ...confidenceSequence(sum, n, { alpha, eta: 1 / inflation }), method: "exact", printable };
}
