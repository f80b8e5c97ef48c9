import { sameBins, shares } from "./shares.ts";
import { quantile, sorted } from "../special/quantile.ts";
import { noncentralChiSquareSf } from "../special/special.ts";

/**
 * Population stability index between two binned distributions, smoothed.
 *
 * PSI = Σᵢ (cᵢ − rᵢ) · ln(cᵢ / rᵢ) over B bins, where r and c are the reference and
 * current bin shares after adding ½ to every count, so empty bins stay finite
 * (Jeffreys prior) and both sides still sum to one. Symmetric, at least 0, unbounded
 * above, 0 only when the shares are equal. Unit: nats.
 *
 * With no drift at all PSI is about (B − 1)(1/n + 1/m) for windows of n and m rows,
 * not 0: see `psiUnderNull`. Decide with `psiRelevanceTest`, never with 0.1 and 0.25.
 *
 * @param reference shape [B]: counts per bin; bin edges are frozen from this window
 * @param current   shape [B]: counts per bin under the same edges
 * @throws RangeError when shapes differ, B < 2, or a window is empty
 *
 * @see Siddiqi, Credit Risk Scorecards (2006)
 * @see Yurdakul & Naranjo, Statistical properties of the population stability
 *   index, Journal of Risk Model Validation 14 (2020)
 */
export function psi(reference: readonly number[], current: readonly number[]): number {
  sameBins(reference, current);
  return total(contributions(shares(reference, 0.5), shares(current, 0.5)));
}

/**
 * The terms of the smoothed PSI, shape [B], in nats: each at least 0, and they sum to
 * `psi`. The two largest name the bins that moved.
 *
 * @throws RangeError as `psi`
 */
export function psiContributions(reference: readonly number[], current: readonly number[]): number[] {
  sameBins(reference, current);
  return contributions(shares(reference, 0.5), shares(current, 0.5));
}

/** The sample of a PSI. */
export interface PsiSample {
  /** B >= 2 */
  readonly bins: number;
  /** n >= 1, in rows */
  readonly referenceRows: number;
  /** m >= 1, in rows */
  readonly currentRows: number;
  /** Variance of a share over its variance in independent rows; 1 unless rows come in clusters. */
  readonly designEffect?: number;
}

/**
 * s = deff · (1/n + 1/m): the scale on which PSI/s is chi-square with B − 1 degrees of
 * freedom when nothing drifted, and noncentral with parameter PSI_true/s when something did.
 *
 * @throws RangeError when a window is empty, B < 2 or the design effect is not positive
 */
export function psiScale({ bins, referenceRows, currentRows, designEffect = 1 }: PsiSample): number {
  if (!(bins >= 2)) throw new RangeError(`psiScale: ${bins} bins, at least 2 needed`);
  if (!(referenceRows >= 1 && currentRows >= 1)) throw new RangeError("psiScale: a window is empty");
  if (!(designEffect > 0)) throw new RangeError(`psiScale: design effect ${designEffect}`);
  return designEffect * (1 / referenceRows + 1 / currentRows);
}

/** Expected PSI when nothing drifted: (B − 1) · s, in nats. 0.09 for ten bins and twice 200 rows. */
export function psiUnderNull(sample: PsiSample): number {
  return (sample.bins - 1) * psiScale(sample);
}

/** PSI with its bias under no drift taken off, never below 0: max(0, PSI − (B − 1) s). The size to show. */
export function psiDebiased(observed: number, sample: PsiSample): number {
  return Math.max(0, observed - psiUnderNull(sample));
}

function contributions(r: readonly number[], c: readonly number[]): number[] {
  return r.map((share, i) => (c[i]! - share) * Math.log(c[i]! / share));
}

function total(terms: readonly number[]): number {
  return terms.reduce((sum, term) => sum + term, 0);
}

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
