import { logBeta, logChoose } from "./special.ts";

/**
 * Passes among n when the pass probability itself is drawn from Beta(a, b): overdispersed verdicts,
 * or the predictive distribution of the next n after a passes and b fails.
 *
 * P(X = k) = C(n, k) B(k + a, n − k + b) / B(a, b). Returned as a logarithm, in nats.
 *
 * @throws RangeError unless n is a whole number ≥ 0 and a, b > 0
 * @see Skellam, A probability distribution derived from the binomial, JRSS-B 10 (1948)
 */
export function betaBinomialLogPmf(k: number, n: number, a: number, b: number): number {
  if (!(Number.isInteger(n) && n >= 0 && a > 0 && b > 0)) {
    throw new RangeError(`betaBinomial: n = ${n}, a = ${a}, b = ${b}`);
  }
  if (!Number.isInteger(k) || k < 0 || k > n) return -Infinity;
  return logChoose(n, k) + logBeta(k + a, n - k + b) - logBeta(a, b);
}

/** P(X ≤ k), summed term by term: O(n), for n up to about 10⁵. */
export function betaBinomialCdf(k: number, n: number, a: number, b: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  let sum = 0;
  for (let i = 0; i <= Math.floor(k); i++) sum += Math.exp(betaBinomialLogPmf(i, n, a, b));
  return Math.min(1, sum);
}
