/** A level is held here, so that months of strong drift still fade once it ends. */
export const DRIFT_LEVEL_MAX = 1e12;

/** Windows of a quarter: the patience per false flag of a feature. */
export const DRIFT_PATIENCE = { daily: 90, hourly: 2_160 } as const;

/**
 * One window of the Shiryaev–Roberts drift detector of one feature.
 *
 * M_t = min( (M_{t−1} + 1) · e, 10¹² ), M before the first window = 0. While nothing drifts
 * M_t − t is a supermartingale, so a level of c is first reached after c windows or more on
 * average, however often one looks. A window counts once: fold windows in order.
 *
 * @param level M_{t−1} >= 0
 * @param eValue e >= 0 of this window, e.g. p^(−1/2)/2 of its relevance test
 * @throws RangeError when the level or the e-value is negative or not a number
 *
 * @see Shin, Ramdas & Rinaldo, E-detectors, NEJSDS (2024), arXiv 2203.03532
 */
export function driftStep(level: number, eValue: number): number {
  if (!(level >= 0)) throw new RangeError(`driftStep: level ${level}`);
  if (!(eValue >= 0)) throw new RangeError(`driftStep: e-value ${eValue}`);
  return Math.min((level + 1) * eValue, DRIFT_LEVEL_MAX);
}

/**
 * The features that drifted, over all features of a use case: e-BH on detector levels (e-d-BH).
 *
 * With levels sorted downwards, k* = max{ k : k · M_(k) >= K · C }; the first k* are flagged,
 * equal levels by index. Then FDR(T) <= E[T]/C at every stopping time T, whatever the
 * dependence between features: with C windows per quarter, at most about one false discovery
 * a quarter.
 *
 * @param levels shape [K], from `driftStep`
 * @param patience C > 0, in windows: `DRIFT_PATIENCE`
 * @returns indices of the flagged features, ascending
 * @throws RangeError when a level is negative or the patience is not positive
 *
 * @see Dandapanthula & Ramdas, Multiple testing in multi-stream sequential change detection,
 *   arXiv 2501.04130
 */
export function driftFlags(levels: readonly number[], patience: number): number[] {
  if (!(patience > 0)) throw new RangeError(`driftFlags: patience ${patience}`);
  if (levels.some((level) => !(level >= 0))) throw new RangeError("driftFlags: a level is negative");
  const order = levels.map((_, index) => index).sort((a, b) => levels[b]! - levels[a]! || a - b);
  const flagged = order.findLastIndex(
    (index, rank) => (rank + 1) * levels[index]! >= levels.length * patience,
  );
  return order.slice(0, flagged + 1).sort((a, b) => a - b);
}
