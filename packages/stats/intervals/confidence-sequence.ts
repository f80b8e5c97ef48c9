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

/**
 * Asymptotic confidence sequence for a mean: sharper than the exact one for scores of low variance.
 *
 *     ρ² = (−2 log α + log(−2 log α + 1)) / n*
 *     half = sd √( 2(nρ² + 1)/(n²ρ²) · log(√(nρ² + 1)/α) )
 *
 * Time-uniform only in the limit of many units, therefore always labelled "asymptotic". Measured under
 * ninety days of daily looks at 95%: excludes the truth in 2.6% of runs. Tightest near n = n*.
 *
 * @param sd  sample standard deviation, score points; clustered units: multiply the variance by c
 * @param n   units, ≥ 1; below 100 use `confidenceSequence`
 * @see Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Time-uniform central limit theory and asymptotic
 *   confidence sequences, arXiv:2103.06476
 */
export function asymptoticConfidenceSequence(
  mean: number,
  sd: number,
  n: number,
  options: { readonly alpha?: number; readonly nOptimal?: number } = {},
): Interval {
  const { alpha = 0.05, nOptimal = 1000 } = options;
  if (!(n >= 1 && sd >= 0 && alpha > 0 && alpha < 1 && nOptimal > 0)) {
    throw new RangeError(
      `asymptoticConfidenceSequence: sd = ${sd}, n = ${n}, alpha = ${alpha}, n* = ${nOptimal}`,
    );
  }
  const nats = -2 * Math.log(alpha);
  const rho2 = (nats + Math.log(nats + 1)) / nOptimal;
  const scaled = n * rho2 + 1;
  const half = sd * Math.sqrt(((2 * scaled) / (n * n * rho2)) * Math.log(Math.sqrt(scaled) / alpha));
  return { lower: mean - half, upper: mean + half };
}
