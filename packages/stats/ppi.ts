/** Φ⁻¹(0.975). */
const Z_95 = 1.959963984540054;

export interface PpiSample {
  /** y, shape [n], n >= 2: human scores of the labelled units. */
  readonly human: readonly number[];
  /** f, shape [n]: the judge's scores of the same units. */
  readonly judgeLabelled: readonly number[];
  /** f, shape [N], N >= 1: the judge's scores of judged units without a label. */
  readonly judgeUnlabelled: readonly number[];
  /** shape [n]: 1/π of the labelled units when they were not drawn with equal probability. */
  readonly labelWeights?: readonly number[];
}

export interface PpiEstimate {
  /** How far the judge was trusted, in [0, 1]; 0 is the human-only estimate. */
  readonly lambda: number;
  /** Mean human score of all traffic, in score points; not clipped. */
  readonly estimate: number;
  readonly se: number;
  /** 95% interval, estimate ± 1.96 se; not clipped. */
  readonly interval: readonly [number, number];
}

/**
 * Prediction-powered mean (PPI++): the judge's mean over many units, corrected by the humans'
 * labels of a few.
 *
 * theta = lambda · mean_N f + mean_n (y − lambda f),
 * se² = var_N(lambda f)/N + var_n(y − lambda f)/n (population variances),
 * lambda = cov_n(y, f) / ((1 + n/N) var(pooled f)), clipped to [0, 1]. A useless judge gets
 * lambda 0 and costs nothing. With label weights every mean over labelled units is weighted
 * (weights normalised to mean 1). Valid from about 50 labels drawn by a recorded rule.
 *
 * @param lambda fixed in [0, 1]; the variance-minimising value when left out
 * @throws RangeError when shapes differ, n < 2, N < 1, a weight is not positive, or lambda is
 *   outside [0, 1]
 *
 * @see Angelopoulos et al., Prediction-powered inference, Science 382 (2023)
 * @see Angelopoulos, Duchi & Zrnic, PPI++, arXiv 2311.01453
 */
export function ppiMean(sample: PpiSample, lambda?: number): PpiEstimate {
  const { human, judgeLabelled, judgeUnlabelled } = sample;
  const n = human.length;
  if (n < 2 || judgeLabelled.length !== n || judgeUnlabelled.length < 1) {
    throw new RangeError(
      `ppiMean: ${n} labels, ${judgeLabelled.length} labelled and ${judgeUnlabelled.length} unlabelled scores`,
    );
  }
  if (lambda !== undefined && !(lambda >= 0 && lambda <= 1))
    throw new RangeError(`ppiMean: lambda ${lambda}`);
  const weights = normalised(sample.labelWeights, n);
  const trust = lambda ?? bestLambda(sample, weights);

  const rectifiers = human.map((y, i) => weights[i]! * (y - trust * judgeLabelled[i]!));
  const predicted = mean(judgeUnlabelled);
  const rectified = mean(rectifiers);
  const estimate = trust * predicted + rectified;
  // The residual of a weighted mean is w (y − λf − rectifier), for which w (y − λf) alone would
  // charge the spread of the weights; with equal weights both are the population variance.
  const spread = mean(rectifiers.map((value, i) => (value - weights[i]! * rectified) ** 2));
  const se = Math.sqrt((trust ** 2 * variance(judgeUnlabelled)) / judgeUnlabelled.length + spread / n);
  return { lambda: trust, estimate, se, interval: [estimate - Z_95 * se, estimate + Z_95 * se] };
}

/** New minus old of two versions that both have labels of their own: variances add. */
export function ppiDifference(
  old: PpiEstimate,
  current: PpiEstimate,
): Pick<PpiEstimate, "estimate" | "se" | "interval"> {
  const estimate = current.estimate - old.estimate;
  const se = Math.hypot(old.se, current.se);
  return { estimate, se, interval: [estimate - Z_95 * se, estimate + Z_95 * se] };
}

function bestLambda(
  { human, judgeLabelled, judgeUnlabelled }: PpiSample,
  weights: readonly number[],
): number {
  const n = human.length;
  const yMean = mean(human.map((y, i) => weights[i]! * y));
  const fMean = mean(judgeLabelled.map((f, i) => weights[i]! * f));
  const covariance = mean(human.map((y, i) => weights[i]! * (y - yMean) * (judgeLabelled[i]! - fMean)));
  const pooled = [...judgeLabelled, ...judgeUnlabelled];
  const pooledVariance = (variance(pooled) * pooled.length) / (pooled.length - 1);
  if (pooledVariance === 0) return 0;
  const best = covariance / ((1 + n / judgeUnlabelled.length) * pooledVariance);
  return Math.min(1, Math.max(0, best));
}

function normalised(weights: readonly number[] | undefined, n: number): number[] {
  if (weights === undefined) return Array.from({ length: n }, () => 1);
  if (weights.length !== n) throw new RangeError(`ppiMean: ${n} labels, ${weights.length} weights`);
  if (weights.some((weight) => !(weight > 0 && weight < Infinity)))
    throw new RangeError("ppiMean: invalid weight");
  const average = mean(weights);
  return weights.map((weight) => weight / average);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Population variance. */
function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length;
}
