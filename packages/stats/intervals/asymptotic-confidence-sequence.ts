import type { Interval } from "./interval.ts";

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
