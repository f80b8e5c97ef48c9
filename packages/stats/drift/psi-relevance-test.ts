import { type PsiSample, psiScale } from "./psi.ts";
import { quantile } from "../special/quantile.ts";
import { sorted } from "../special/sorted.ts";
import { noncentralChiSquareSf } from "../special/special.ts";

/** Below this PSI (nats) a shift is never material. */
const PSI_IMMATERIAL = 0.02;

/**
 * p-value of H0: the true PSI is at most tau.
 *
 * PSI/s is noncentral chi-square with B − 1 degrees of freedom and noncentrality PSI_true/s,
 * s = deff (1/n + 1/m); p = P( χ'²_{B−1}(tau/s) >= PSI/s ). With tau = 0 it is the ordinary
 * chi-square test. One test for every sample size: in small windows noise does not reach tau,
 * in large ones trivial differences stay below it. Valid from expected counts of about 5.
 *
 * @param observed PSI in nats, from `psi`
 * @param tau >= 0, in nats: the largest shift that does not matter
 * @throws RangeError when the PSI or tau is negative, or the sample is invalid
 *
 * @see Potgieter et al., A new goodness-of-fit test for the population resemblance statistic,
 *   arXiv 2307.11878
 */
export function psiRelevanceTest(observed: number, tau: number, sample: PsiSample): number {
  if (!(observed >= 0)) throw new RangeError(`psiRelevanceTest: PSI ${observed}`);
  if (!(tau >= 0)) throw new RangeError(`psiRelevanceTest: tau ${tau}`);
  const scale = psiScale(sample);
  return noncentralChiSquareSf(observed / scale, sample.bins - 1, tau / scale);
}

/**
 * The tau of a feature: how much it moves from day to day when nothing is wrong.
 *
 * tau = max(0.02, 90% quantile of the debiased PSI of each reference window against its own
 * reference), in nats.
 *
 * @param debiased shape [w]: may be empty while the reference is young, then tau = 0.02
 */
export function psiTolerance(debiased: readonly number[]): number {
  if (debiased.length === 0) return PSI_IMMATERIAL;
  return Math.max(PSI_IMMATERIAL, quantile(sorted(debiased, "psiTolerance"), 0.9));
}
