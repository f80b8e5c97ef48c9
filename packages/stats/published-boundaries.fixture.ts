/**
 * Time-uniform boundaries as they were published: an oracle for our own sequences, which are special cases of them.
 *
 * Each bounds a sum S of deviations from the mean: with probability 1 − alpha, S stays below the boundary at its
 * intrinsic time V for ever. `vOpt` is the time for which the mixture is made tightest.
 *
 * @see Howard, Ramdas, McAuliffe, Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences,
 *   Annals of Statistics 49 (2021): Theorem 1 (stitching), Propositions 5, 6, 7 and 9 (mixtures)
 */
import { chiSquareSf, logBeta, logGamma, normalSf } from "./special/special.ts";

export interface Tuning {
  readonly vOpt: number;
  readonly alphaOpt: number;
}

/** Width of the normal mixture that is tightest at time `vOpt`: closed form, within a percent of the optimum. */
function normalWidth({ vOpt, alphaOpt }: Tuning): number {
  const twice = 2 * Math.log(1 / alphaOpt);
  return vOpt / (twice + Math.log1p(twice));
}

/** A one-sided test spends all of its error on one side: it is tuned as a two-sided one at twice the level. */
function oneSidedWidth({ vOpt, alphaOpt }: Tuning): number {
  return normalWidth({ vOpt, alphaOpt: 2 * alphaOpt });
}

/** For sub-Gaussian sums, both sides at once. */
export function twoSidedNormalMixtureBound(v: number, alpha: number, tuning: Tuning): number {
  const width = normalWidth(tuning);
  return Math.sqrt((v + width) * Math.log((v + width) / (width * alpha ** 2)));
}

/** For sub-Gaussian sums, from above only: the mixture is over positive tilts. */
export function oneSidedNormalMixtureBound(v: number, alpha: number, tuning: Tuning): number {
  const width = oneSidedWidth(tuning);
  return crossing(
    (s) =>
      Math.log((4 * width) / (v + width)) / 2 +
      s ** 2 / (2 * (v + width)) +
      Math.log(normalSf(-s / Math.sqrt(v + width))),
    alpha,
  );
}

/** For sub-exponential sums of scale `c`. */
export function gammaExponentialMixtureBound(v: number, alpha: number, c: number, tuning: Tuning): number {
  const shape = oneSidedWidth(tuning) / c ** 2;
  const constant = shape * Math.log(shape) - logGamma(shape) - Math.log(gammaLowerRegularised(shape, shape));
  return crossing((s) => {
    const order = v / c ** 2 + shape;
    const tilt = (c * s + v) / c ** 2;
    return (
      constant +
      logGamma(order) +
      Math.log(gammaLowerRegularised(order, tilt + shape)) -
      order * Math.log(tilt + shape) +
      tilt
    );
  }, alpha);
}

/**
 * Evidence of a beta mixture against a mean of zero, nats: sums of variables in [−g, h] at time v = g h n, which are
 * n draws of a success with probability g/(g + h).
 */
function betaBinomialEvidence(s: number, v: number, { g, h }: Range, tuning: Tuning): number {
  const pseudo = Math.max(normalWidth(tuning) - g * h, 1e-3 * g * h);
  const [a, b] = [pseudo / (h * (g + h)), pseudo / (g * (g + h))];
  const n = v / (g * h);
  const successes = (s + n * g) / (g + h);
  return (
    logBeta(a + successes, b + n - successes) -
    logBeta(a, b) +
    successes * Math.log((g + h) / g) +
    (n - successes) * Math.log((g + h) / h)
  );
}

/** Distances from the mean down and up to which single values reach. */
export interface Range {
  readonly g: number;
  readonly h: number;
}

/** For sums of variables in [−g, h]. */
export function betaBinomialMixtureBound(v: number, alpha: number, range: Range, tuning: Tuning): number {
  return crossing((s) => betaBinomialEvidence(s, v, range, tuning), alpha, v / range.g);
}

/** Success probabilities that the beta mixture, tuned to `nOpt` trials at each, does not exclude. */
export function bernoulliMixtureInterval(
  successes: number,
  n: number,
  alpha: number,
  { nOpt, alphaOpt }: { readonly nOpt: number; readonly alphaOpt: number },
): readonly [number, number] {
  const evidence = (p: number): number => {
    const range = { g: p, h: 1 - p };
    const variance = p * (1 - p);
    return betaBinomialEvidence(successes - n * p, n * variance, range, { vOpt: nOpt * variance, alphaOpt });
  };
  const mean = successes / n;
  const end = (outer: number): number =>
    mean + (outer - mean) * crossing((share) => evidence(mean + (outer - mean) * share), alpha, 1 - 1e-9);
  return [end(0), end(1)];
}

/** Law-of-the-iterated-logarithm rate, stitched from linear boundaries over epochs of ratio `eta`. */
export function polyStitchingBound(
  v: number,
  alpha: number,
  { vMin, c, s = 1.4, eta = 2 }: { readonly vMin: number; readonly c: number; s?: number; eta?: number },
): number {
  const time = Math.max(v, vMin);
  const level =
    s * Math.log(Math.log((eta * time) / vMin)) + Math.log(zeta(s) / (alpha * Math.log(eta) ** s));
  const k1 = (eta ** 0.25 + eta ** -0.25) / Math.SQRT2;
  const k2 = (Math.sqrt(eta) + 1) / 2;
  return Math.sqrt((k1 ** 2 * time + (k2 * c) ** 2 * level) * level) + k2 * c * level;
}

/** Riemann's zeta for s > 1: a sum, and the integral of its tail with two corrections of Euler and Maclaurin. */
function zeta(s: number): number {
  const terms = 100;
  let sum = 0;
  for (let k = 1; k < terms; k++) sum += k ** -s;
  return sum + terms ** (1 - s) / (s - 1) + terms ** -s / 2 + (s * terms ** (-s - 1)) / 12;
}

/** The argument at which rising evidence reaches log(1/alpha). @param most where it is beyond; searched when left out */
function crossing(evidence: (s: number) => number, alpha: number, most?: number): number {
  const target = Math.log(1 / alpha);
  let high = most ?? 1;
  while (most === undefined && evidence(high) < target) high *= 2;
  let low = 0;
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (evidence(middle) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Regularised lower incomplete gamma P(a, x). */
function gammaLowerRegularised(a: number, x: number): number {
  return 1 - chiSquareSf(2 * x, 2 * a);
}
