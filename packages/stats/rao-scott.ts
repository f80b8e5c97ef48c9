import { shares } from "./shares.ts";
import { chiSquareSf } from "./special.ts";

/**
 * Rao–Scott first-order correction of a chi-square statistic for cluster samples.
 *
 * X²/deff is compared with chi-square of the same degrees of freedom.
 *
 * @param statistic X² >= 0, computed as if rows were independent
 * @param degreesOfFreedom >= 1
 * @param designEffect > 0; 1 leaves the test as it was
 * @throws RangeError when an argument is outside its range
 *
 * @see Rao & Scott, On chi-squared tests for multiway contingency tables with cell
 *   proportions estimated from survey data, Annals of Statistics 12 (1984)
 */
export function raoScott(
  statistic: number,
  degreesOfFreedom: number,
  designEffect: number,
): { statistic: number; pValue: number } {
  if (!(statistic >= 0)) throw new RangeError(`raoScott: statistic ${statistic}`);
  if (!(designEffect > 0)) throw new RangeError(`raoScott: design effect ${designEffect}`);
  const corrected = statistic / designEffect;
  return { statistic: corrected, pValue: chiSquareSf(corrected, degreesOfFreedom) };
}

/**
 * The mean design effect of a feature whose rows come in clusters (calls of one conversation,
 * of one tenant): the average over bins of the variance of a share between clusters over its
 * variance in independent rows.
 *
 * deff = Σ_b (1 − p_b) deff_b / (B − 1),
 * deff_b = [ C/(C−1) Σ_c (x_cb − n_c p_b)² / n² ] / [ p_b (1 − p_b)/n ].
 * About 1 for independent rows; exactly the cluster size times C/(C − 1) when every cluster
 * holds copies of one row. Never below 1 here: a smaller value is estimation noise.
 *
 * @param clusters shape [C, B], C >= 2: counts per bin in each cluster
 * @throws RangeError when there are fewer than two clusters, or shapes differ
 */
export function raoScottDesignEffect(clusters: readonly (readonly number[])[]): number {
  const bins = clusters[0]?.length ?? 0;
  if (clusters.length < 2) throw new RangeError(`raoScottDesignEffect: ${clusters.length} clusters`);
  const counts = Array.from({ length: bins }, () => 0);
  for (const cluster of clusters) {
    if (cluster.length !== bins) throw new RangeError("raoScottDesignEffect: shapes differ");
    for (let b = 0; b < bins; b++) counts[b]! += cluster[b]!;
  }
  const p = shares(counts);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const sizes = clusters.map((cluster) => cluster.reduce((sum, count) => sum + count, 0));

  // (1 − p_b) · deff_b simplifies to n · (variance between clusters) / p_b.
  let weightedEffects = 0;
  let binsUsed = 0;
  for (let b = 0; b < bins; b++) {
    if (p[b] === 0) continue;
    binsUsed++;
    let squares = 0;
    for (let c = 0; c < clusters.length; c++) squares += (clusters[c]![b]! - sizes[c]! * p[b]!) ** 2;
    const variance = ((clusters.length / (clusters.length - 1)) * squares) / rows ** 2;
    weightedEffects += (rows * variance) / p[b]!;
  }
  return binsUsed < 2 ? 1 : Math.max(1, weightedEffects / (binsUsed - 1));
}
