/**
 * Hájek estimate of the mean of all traffic from units judged with different probabilities.
 *
 * mu = Σ (x_i/r_i) / Σ (1/r_i);  se² = Σ (1 − r_i) ((x_i − mu)/r_i)² / (Σ 1/r_i)², for units
 * selected independently of one another (as the sampling hash does). For one stratum, or when
 * traffic counts are not known; otherwise `stratifiedMean` is more precise.
 *
 * @param scores shape [n], n >= 1
 * @param rates  shape [n]: the probability, in (0, 1], with which each unit was selected
 * @throws RangeError when shapes differ, the sample is empty, or a rate is outside (0, 1]
 *
 * @see Hájek, in Foundations of Statistical Inference (1971)
 */
export function hajekMean(
  scores: readonly number[],
  rates: readonly number[],
): { estimate: number; se: number } {
  if (scores.length === 0 || scores.length !== rates.length) {
    throw new RangeError(`hajekMean: ${scores.length} scores, ${rates.length} rates`);
  }
  let units = 0;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const rate = rates[i]!;
    if (!(rate > 0 && rate <= 1)) throw new RangeError(`hajekMean: rate ${rate}`);
    units += 1 / rate;
    sum += scores[i]! / rate;
  }
  const estimate = sum / units;
  let variance = 0;
  for (let i = 0; i < scores.length; i++) {
    variance += (1 - rates[i]!) * ((scores[i]! - estimate) / rates[i]!) ** 2;
  }
  return { estimate, se: Math.sqrt(variance) / units };
}
