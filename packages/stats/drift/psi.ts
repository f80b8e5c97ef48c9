import { sameBins, shares } from "./shares.ts";

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
 * PSI of the raw shares, without smoothing: `psi` for windows in which no bin is empty.
 *
 * @throws RangeError as `psi`, and when a bin is empty in one window (the index is infinite)
 */
export function psiPlain(reference: readonly number[], current: readonly number[]): number {
  sameBins(reference, current);
  const r = shares(reference);
  const c = shares(current);
  if (r.some((share, i) => share === 0 || c[i] === 0)) throw new RangeError("psiPlain: a bin is empty");
  return total(contributions(r, c));
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

/** What a PSI was computed from. */
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
