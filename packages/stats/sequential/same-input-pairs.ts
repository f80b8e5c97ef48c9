import { logMixture } from "./e-value.ts";
import type { Interval } from "../intervals/interval.ts";
import { pairedBets } from "./paired-canary.ts";

/** One input, judged under the old version and again under the new one. */
export interface ScorePair {
  /** x_old − x_new, in [−1, 1]. */
  readonly difference: number;
  /** Sampling weight in (0, 1]: 1 for pairs drawn at the smallest rate of their hour. */
  readonly weight: number;
}

export interface PairedReading {
  /** log e of all pairs, nats. */
  readonly logE: number;
  /** The largest log e on the way there, nats; 0 before the first pair. */
  readonly logEMax: number;
  /** Pairs at which `logEMax` was reached. */
  readonly pairsAtMax: number;
}

/**
 * The evidence that the new version is more than δ worse on the same inputs, pair by pair:
 *
 *     e = (1/5) Σⱼ Π (1 + λⱼ w (D − δ)/(1 + δ))^η
 *
 * An e-process when each pair is revealed whole, in an order that knows no score, and no score is used twice: the
 * largest value on the way exceeds 1/α with probability at most α. It takes out how hard an input is, which is most of
 * the noise. Its past holds no old score before its pair, so it must never be averaged with evidence that was measured
 * against the old scores.
 */
export function readPairs(
  pairs: readonly ScorePair[],
  options: { readonly delta?: number; readonly eta?: number } = {},
): PairedReading {
  const { delta = 0.01, eta = 1 } = options;
  if (!(delta >= 0 && delta < 1 && eta > 0 && eta <= 1))
    throw new RangeError(`readPairs: delta = ${delta}, eta = ${eta}`);
  const log = new Float64Array(pairedBets.length);
  let best = { logEMax: 0, pairsAtMax: 0 };
  for (const [i, pair] of pairs.entries()) {
    addPair(log, pair, delta, eta);
    const logE = logMixture(log);
    if (logE > best.logEMax) best = { logEMax: logE, pairsAtMax: i + 1 };
  }
  return { logE: logMixture(log), ...best };
}

/** Bisections of the interval's ends: good to 1e-9. */
const BISECTIONS = 31;

/**
 * Confidence sequence of the mean of x_old − x_new: every mean that neither one-sided bet refutes at α/2. Valid
 * however often anybody looks, and of one piece with `readPairs`: at e ≥ 2/α it lies above δ.
 */
export function pairedInterval(
  pairs: readonly ScorePair[],
  options: { readonly alpha?: number; readonly eta?: number } = {},
): Interval {
  const { alpha = 0.05, eta = 1 } = options;
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`pairedInterval: alpha = ${alpha}`);
  const logLimit = Math.log(2 / alpha);
  const mirrored = pairs.map(({ difference, weight }) => ({ difference: -difference, weight }));
  return { lower: lowestMean(pairs, eta, logLimit), upper: -lowestMean(mirrored, eta, logLimit) };
}

/** The evidence against "the mean is at most m" falls as m grows: where it drops below the limit. */
function lowestMean(pairs: readonly ScorePair[], eta: number, logLimit: number): number {
  let refuted = -1;
  let possible = 1;
  for (let i = 0; i < BISECTIONS; i++) {
    const mean = (refuted + possible) / 2;
    const log = new Float64Array(pairedBets.length);
    for (const pair of pairs) addPair(log, pair, mean, eta);
    if (logMixture(log) >= logLimit) refuted = mean;
    else possible = mean;
  }
  return refuted;
}

function addPair(log: Float64Array, { difference, weight }: ScorePair, mean: number, eta: number): void {
  if (!(difference >= -1 && difference <= 1 && weight > 0 && weight <= 1))
    throw new RangeError(`pair: difference = ${difference}, weight = ${weight}`);
  const gain = (weight * (difference - mean)) / (1 + mean);
  for (let j = 0; j < log.length; j++) log[j]! += eta * Math.log1p(pairedBets[j]! * gain);
}
