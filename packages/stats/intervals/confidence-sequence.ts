import type { Interval } from "./interval.ts";
import { logBeta } from "../special/special.ts";

interface ConfidenceSequenceOptions {
  /** Probability that the interval ever excludes the mean, over all looks together. Default 0.05. */
  readonly alpha?: number;
  /** Shape of the Beta prior of the mixture, in pseudo-passes and pseudo-fails. Default ½ and ½. */
  readonly a?: number;
  readonly b?: number;
  /** Tempering for clustered verdicts, in (0, 1], from `dispersion`. Default 1. */
  readonly eta?: number;
}

/**
 * Beta-binomial confidence sequence for a mean in [0, 1]: the interval a live page may show.
 *
 *     { p : logB(a + s, b + f) − logB(a, b) − s log p − f log(1 − p) < log(1/α) },   f = n − s
 *
 * Contains the true mean at *all* sample sizes simultaneously with probability ≥ 1 − α, so it may be
 * looked at as often as wished. It depends on sum and count alone: order does not matter and nothing
 * is stored. Exact for verdicts; valid and conservative for scores in [0, 1], because the likelihood
 * ratio is convex in x. The price of honesty at p = 0.92, n = 250: ±5.9 points against Wilson's ±3.4.
 *
 * @param sum Σ xᵢ, any number in 0..n (score points)
 * @param n   judged units, ≥ 0; n = 0 gives [0, 1]
 * @throws RangeError when sum is outside 0..n or an option is outside its range
 * @see Robbins, Statistical methods related to the law of the iterated logarithm, AMS 41 (1970)
 * @see Howard, Ramdas, McAuliffe & Sekhon, Time-uniform, nonparametric, nonasymptotic confidence
 *   sequences, Annals of Statistics 49 (2021)
 */
export function confidenceSequence(
  sum: number,
  n: number,
  options: ConfidenceSequenceOptions = {},
): Interval {
  const { alpha = 0.05, a = 0.5, b = 0.5, eta = 1 } = options;
  if (!(n >= 0 && sum >= 0 && sum <= n && n < Infinity)) {
    throw new RangeError(`confidenceSequence: sum = ${sum}, n = ${n}`);
  }
  if (!(alpha > 0 && alpha < 1 && a > 0 && b > 0 && eta > 0 && eta <= 1)) {
    throw new RangeError(`confidenceSequence: alpha = ${alpha}, a = ${a}, b = ${b}, eta = ${eta}`);
  }
  if (n === 0) return { lower: 0, upper: 1 };
  const s = eta * sum;
  const f = eta * (n - sum);
  const limit = logBeta(a + s, b + f) - logBeta(a, b) - Math.log(1 / alpha);
  // Below zero inside the sequence. It is at the sample mean: a mixture never beats the maximum.
  const excess = (p: number): number =>
    limit - (s > 0 ? s * Math.log(p) : 0) - (f > 0 ? f * Math.log1p(-p) : 0);
  const mean = sum / n;
  return {
    lower: s === 0 ? 0 : boundary(excess, mean, 0),
    upper: f === 0 ? 1 : boundary(excess, mean, 1),
  };
}

/** The point between `inside` and `outside` where `excess` changes sign, by bisection. */
function boundary(excess: (p: number) => number, inside: number, outside: number): number {
  let near = inside;
  let far = outside;
  for (let i = 0; i < 200; i++) {
    const middle = (near + far) / 2;
    if (middle === near || middle === far || Math.abs(near - far) < 1e-15 * near) break;
    if (excess(middle) < 0) near = middle;
    else far = middle;
  }
  return near;
}
