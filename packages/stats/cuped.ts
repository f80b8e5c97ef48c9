/**
 * Variance reduction with a control covariate known on all traffic (CUPED).
 *
 * mu = ȳ − theta (z̄ − z̄_all), theta = cov(y, z)/var(z) over the judged units. The variance
 * falls by the factor 1 − rho². theta is estimated from the same units: a bias of order 1/n.
 * The same estimator as `ppiMean` with the covariate as predictor.
 *
 * @param y shape [n], n >= 3: judged scores
 * @param z shape [n]: the covariate of the same units (output length, a cheap proxy's score)
 * @param populationMean mean of the covariate over all traffic
 * @returns theta, the estimate, its standard error, and 1 − rho² in [0, 1]
 *   (theta 0 and ratio 1 when the covariate is constant)
 * @throws RangeError when shapes differ or n < 3
 *
 * @see Deng, Xu, Kohavi & Walker, Improving the sensitivity of online controlled
 *   experiments by utilizing pre-experiment data, WSDM 2013
 */
export function cuped(
  y: readonly number[],
  z: readonly number[],
  populationMean: number,
): { theta: number; estimate: number; se: number; varianceRatio: number } {
  const n = y.length;
  if (n < 3 || z.length !== n) throw new RangeError(`cuped: ${n} scores, ${z.length} covariates`);
  const yMean = y.reduce((sum, value) => sum + value, 0) / n;
  const zMean = z.reduce((sum, value) => sum + value, 0) / n;
  let yy = 0;
  let zz = 0;
  let yz = 0;
  for (let i = 0; i < n; i++) {
    const dy = y[i]! - yMean;
    const dz = z[i]! - zMean;
    yy += dy * dy;
    zz += dz * dz;
    yz += dy * dz;
  }
  const theta = zz > 0 ? yz / zz : 0;
  const varianceRatio = yy > 0 && zz > 0 ? Math.max(0, 1 - (yz * yz) / (yy * zz)) : 1;
  const se = Math.sqrt((varianceRatio * yy) / (n - 1) / n);
  return { theta, estimate: yMean - theta * (zMean - populationMean), se, varianceRatio };
}
