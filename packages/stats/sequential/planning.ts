/**
 * How long would it take? Figures for the pages and for choosing a sampling rate. Sample sizes are in
 * judged units, an upper-side planning figure rather than a promise.
 */

/** Kullback–Leibler divergence of Bernoulli(a) from Bernoulli(b), nats per verdict. b in (0, 1). */
export function bernoulliDivergence(a: number, b: number): number {
  if (!(a >= 0 && a <= 1 && b > 0 && b < 1)) throw new RangeError(`bernoulliDivergence: a = ${a}, b = ${b}`);
  return (a > 0 ? a * Math.log(a / b) : 0) + (a < 1 ? (1 - a) * Math.log((1 - a) / (1 - b)) : 0);
}

interface DetectionPlan {
  /** Null mean of the stream, baseline minus margin, in (0, 1). */
  readonly nullMean: number;
  /** Share of judged units that fall in the stream, in (0, 1]. */
  readonly share: number;
  /** Weight of the stream in the average, in (0, 1]. */
  readonly weight: number;
  /** Start weight W of the deploy, in hours. Default 168. */
  readonly deployWeight?: number;
  /** Alarm threshold C. Default 8760 + 52 · 168. */
  readonly threshold?: number;
  /** Grid points J. Default 6. */
  readonly gridSize?: number;
}

function nats(plan: DetectionPlan): number {
  const { weight, deployWeight = 168, threshold = 8760 + 52 * 168, gridSize = 6 } = plan;
  if (!(plan.share > 0 && plan.share <= 1 && weight > 0 && weight <= 1)) {
    throw new RangeError(`detection plan: share = ${plan.share}, weight = ${weight}`);
  }
  return Math.log(threshold / (deployWeight * weight)) + Math.log(gridSize);
}

/**
 * Judged units (of the whole use case) until a deploy that lowers a stream to `newMean` is noticed.
 *
 * n = (log(C/(W w)) + log J) / (share · KL(newMean ‖ m)); Infinity when newMean ≥ m, because a drop
 * within the margin is declared immaterial.
 */
export function plannedDetectionSamples(newMean: number, plan: DetectionPlan): number {
  const needed = nats(plan);
  if (newMean >= plan.nullMean) return Infinity;
  return needed / (plan.share * bernoulliDivergence(newMean, plan.nullMean));
}

/**
 * The smallest drop below the null mean (score points) that `units` judged units are planned to show;
 * NaN when even a fall to zero would not be seen.
 */
export function smallestDetectableDrop(units: number, plan: DetectionPlan): number {
  if (!(units > 0)) throw new RangeError(`smallestDetectableDrop: units = ${units}, needs > 0`);
  const { nullMean } = plan;
  if (plannedDetectionSamples(0, plan) > units) return Number.NaN;
  let seen = 0;
  let unseen = nullMean;
  for (let i = 0; i < 60; i++) {
    const middle = (seen + unseen) / 2;
    if (plannedDetectionSamples(middle, plan) <= units) seen = middle;
    else unseen = middle;
  }
  return nullMean - seen;
}
