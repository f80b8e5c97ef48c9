/** One sampling stratum of a version's traffic. */
export interface Stratum {
  /** N_s > 0: units of traffic, known. */
  readonly traffic: number;
  /** n_s >= 1: units judged, at most N_s. */
  readonly judged: number;
  /** Mean score of the judged units, in [0, 1] for verdicts and scores. */
  readonly mean: number;
  /** Their sample variance (divisor n_s − 1). */
  readonly variance: number;
}

/** Cells with fewer judged units than this are merged before estimating. */
export const STRATUM_JUDGED_MIN = 5;

/**
 * Post-stratified mean over known traffic counts.
 *
 * mu = Σ (N_s/N) x̄_s;  se² = Σ (N_s/N)² (1 − n_s/N_s) s_s²/n_s  (finite population correction).
 * Unbiased when the sampling rate differs between strata, where the pooled mean is not.
 * Valid for n_s >= 5 in every stratum: see `mergeSmallStrata`.
 *
 * @param strata shape [S], S >= 1
 * @throws RangeError when there is no stratum, or one has no judged unit, n_s > N_s, or a
 *   negative variance
 *
 * @see Cochran, Sampling Techniques, 3rd ed. (1977), §5.4 and §5A.9
 */
export function stratifiedMean(strata: readonly Stratum[]): { estimate: number; se: number } {
  if (strata.length === 0) throw new RangeError("stratifiedMean: no stratum");
  let traffic = 0;
  for (const stratum of strata) {
    if (!(stratum.judged >= 1 && stratum.judged <= stratum.traffic)) {
      throw new RangeError(`stratifiedMean: ${stratum.judged} judged of ${stratum.traffic}`);
    }
    if (!(stratum.variance >= 0)) throw new RangeError(`stratifiedMean: variance ${stratum.variance}`);
    traffic += stratum.traffic;
  }
  let estimate = 0;
  let variance = 0;
  for (const stratum of strata) {
    const share = stratum.traffic / traffic;
    estimate += share * stratum.mean;
    variance += share ** 2 * (1 - stratum.judged / stratum.traffic) * (stratum.variance / stratum.judged);
  }
  return { estimate, se: Math.sqrt(variance) };
}

/**
 * Merges strata with fewer than `judgedMin` judged units into one cell (and, while that cell is
 * still too small, the next smallest stratum with it). Traffic, units, means and variances add
 * up as if the cell had been one stratum from the start. Order: kept strata first, merged last.
 *
 * @returns strata with judged >= judgedMin, or one stratum when all together have fewer
 */
export function mergeSmallStrata(strata: readonly Stratum[], judgedMin = STRATUM_JUDGED_MIN): Stratum[] {
  const small = strata.filter((stratum) => stratum.judged < judgedMin);
  if (small.length === 0) return [...strata];
  const kept = strata.filter((stratum) => stratum.judged >= judgedMin);
  let merged = small.reduce(merge);
  while (merged.judged < judgedMin && kept.length > 0) {
    const smallest = kept.reduce((best, stratum) => (stratum.judged < best.judged ? stratum : best));
    kept.splice(kept.indexOf(smallest), 1);
    merged = merge(merged, smallest);
  }
  return [...kept, merged];
}

function merge(a: Stratum, b: Stratum): Stratum {
  const judged = a.judged + b.judged;
  const mean = judged === 0 ? 0 : (a.judged * a.mean + b.judged * b.mean) / judged;
  const squares = (s: Stratum) =>
    s.judged === 0 ? 0 : (s.judged - 1) * s.variance + s.judged * (s.mean - mean) ** 2;
  const variance = judged > 1 ? (squares(a) + squares(b)) / (judged - 1) : 0;
  return { traffic: a.traffic + b.traffic, judged, mean, variance };
}
