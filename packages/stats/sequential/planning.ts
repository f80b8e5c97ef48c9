/**
 * Planning figures. Sample sizes are in
 * judged units, an upper-side planning figure rather than a promise.
 */

/** Kullback–Leibler divergence of Bernoulli(a) from Bernoulli(b), nats per verdict. b in (0, 1). */
export function bernoulliDivergence(a: number, b: number): number {
  if (!(a >= 0 && a <= 1 && b > 0 && b < 1)) throw new RangeError(`bernoulliDivergence: a = ${a}, b = ${b}`);
  return (a > 0 ? a * Math.log(a / b) : 0) + (a < 1 ? (1 - a) * Math.log((1 - a) / (1 - b)) : 0);
}
