/** Bets of the paired stream, as fractions of the largest safe bet. */
export const pairedBets: readonly number[] = [0.8, 0.4, 0.2, 0.1, 0.05];

/**
 * Log e-values against H0 "the new version is at most δ worse", from paired units of a concurrent
 * canary, one per bet, nats:
 *
 *     Σ η · log(1 + λ (D − δ)/(1 + δ)),   D = x_old − x_new in [−1, 1]
 *
 * Immune to anything that hits both arms alike, such as an outage of the provider. Pairs are formed
 * within stratum and hour, in hash order, by `pairInHashOrder`.
 *
 * @param oldMinusNew shape [pairs], score points
 * @returns shape [5]; combine with `logMixture`
 * @see Turner, Ly & Grünwald, Generic E-variables for exact sequential k-sample tests, arXiv:2106.02693
 */
export function logEvidenceOfPairs(
  oldMinusNew: readonly number[],
  options: { readonly delta?: number; readonly bets?: readonly number[]; readonly eta?: number } = {},
): Float64Array {
  const { delta = 0.01, bets = pairedBets, eta = 1 } = options;
  if (!(delta >= 0 && delta < 1 && eta > 0 && eta <= 1) || !bets.every((bet) => bet > 0 && bet < 1)) {
    throw new RangeError(`logEvidenceOfPairs: delta = ${delta}, eta = ${eta}, bets = ${bets.join()}`);
  }
  const log = new Float64Array(bets.length);
  for (const d of oldMinusNew) {
    if (!(d >= -1 && d <= 1)) throw new RangeError(`logEvidenceOfPairs: difference = ${d}`);
    const gain = (d - delta) / (1 + delta);
    for (let j = 0; j < bets.length; j++) log[j]! += eta * Math.log1p(bets[j]! * gain);
  }
  return log;
}

/** Pairs after which their silence means something. */
const SILENT_PAIRS_MIN = 100;

/**
 * isPairedSilent returns true when the pairs show no difference: an alarm then coincides with the deploy and is not caused
 * by it.
 *
 * @param logE of all pairs, from `logMixture`, nats
 */
export function isPairedSilent(pairs: number, logE: number): boolean {
  return pairs >= SILENT_PAIRS_MIN && logE < 0;
}

/** One judged unit of one arm, within an hour. */
interface CanaryUnit {
  readonly stratum: string;
  /** `samplingUniform` of the unit: decides the order, knows nothing of the outcome. */
  readonly uniform: number;
  /** Score or verdict, in [0, 1]. */
  readonly x: number;
}

/**
 * Differences old − new of the units of one hour, the i-th of each arm in hash order within a stratum.
 * The surplus of the larger arm is left out. Strata in alphabetical order, so the result is repeatable.
 */
export function pairInHashOrder(old: readonly CanaryUnit[], current: readonly CanaryUnit[]): number[] {
  const before = byStratum(old);
  const after = byStratum(current);
  const differences: number[] = [];
  for (const stratum of [...before.keys()].sort()) {
    const right = after.get(stratum) ?? [];
    for (const [i, unit] of before.get(stratum)!.slice(0, right.length).entries()) {
      differences.push(unit.x - right[i]!.x);
    }
  }
  return differences;
}

function byStratum(units: readonly CanaryUnit[]): Map<string, CanaryUnit[]> {
  const groups = new Map<string, CanaryUnit[]>();
  for (const unit of units) {
    const group = groups.get(unit.stratum);
    if (group) group.push(unit);
    else groups.set(unit.stratum, [unit]);
  }
  for (const group of groups.values()) group.sort((a, b) => a.uniform - b.uniform);
  return groups;
}
