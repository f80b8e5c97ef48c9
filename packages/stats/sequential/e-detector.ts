import { logAddExp } from "../special/special.ts";

/**
 * One hour of the Shiryaev–Roberts e-detector with weighted starts, for all streams and bets at once:
 *
 *     S ← (S + a) · exp(G)          in logarithms, element by element
 *
 * E[S after | past] ≤ S before + a when nothing has changed, so the weighted average of S minus the sum
 * of all a is a supermartingale under any dependence between streams, and the budget spent until the
 * first false alarm at threshold C is at least C on average. Units of a: hours.
 *
 * @param logS     shape [streams · bets], nats; −Infinity everywhere before the deploy. Not modified
 * @param logStart log a of this hour: log W in the hour of a deploy, 0 in every other hour
 * @param logG     shape [streams · bets], nats: the hour's evidence; zeros in an hour without units
 * @param into     where to write; may be `logS` itself. Default a new array
 * @see Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection,
 *   New England Journal of Statistics in Data Science 2 (2024)
 */
export function stepDetector(
  logS: Float64Array,
  logStart: number,
  logG: ArrayLike<number>,
  into: Float64Array = new Float64Array(logS.length),
): Float64Array {
  if (logG.length !== logS.length || into.length !== logS.length) {
    throw new RangeError(
      `stepDetector: ${logS.length} states, ${logG.length} factors, ${into.length} results`,
    );
  }
  for (let i = 0; i < logS.length; i++) into[i] = logAddExp(logS[i]!, logStart) + logG[i]!;
  return into;
}

/** A detector no hour has touched: S = 0, shape [streams · bets]. */
export function emptyDetector(streams: number, bets: number): Float64Array {
  return new Float64Array(streams * bets).fill(-Infinity);
}

/** log of (1/J) Σⱼ Sₖⱼ for every stream, shape [streams · bets] to [streams], nats. */
export function streamDetectors(logS: ArrayLike<number>, bets: number): Float64Array {
  if (!(bets >= 1) || logS.length % bets !== 0)
    throw new RangeError(`streamDetectors: ${logS.length} states, ${bets} bets`);
  const perStream = new Float64Array(logS.length / bets);
  for (let k = 0; k < perStream.length; k++) {
    let high = -Infinity;
    for (let j = 0; j < bets; j++) high = Math.max(high, logS[k * bets + j]!);
    let sum = 0;
    if (high > -Infinity) for (let j = 0; j < bets; j++) sum += Math.exp(logS[k * bets + j]! - high);
    perStream[k] = high > -Infinity ? high + Math.log(sum / bets) : -Infinity;
  }
  return perStream;
}

/**
 * log Σₖ wₖ exp(Mₖ): the average that raises the alarm. Weights are ≥ 0 and sum to at most 1; they are
 * fixed before the first unit is seen.
 *
 * @param logM shape [streams], nats
 */
export function weightedStreamAverage(logM: ArrayLike<number>, weights: ArrayLike<number>): number {
  if (logM.length !== weights.length) {
    throw new RangeError(`weightedStreamAverage: ${logM.length} streams, ${weights.length} weights`);
  }
  let total = 0;
  let log = -Infinity;
  for (let k = 0; k < logM.length; k++) {
    if (!(weights[k]! >= 0)) throw new RangeError(`weightedStreamAverage: weight = ${weights[k]!}`);
    total += weights[k]!;
    log = logAddExp(log, Math.log(weights[k]!) + logM[k]!);
  }
  if (total > 1 + 1e-9) throw new RangeError(`weightedStreamAverage: weights sum to ${total}`);
  return log;
}

interface AlarmBudget {
  /** Start weight W of a deploy, hours. Default 168: one week of budget. */
  readonly deployWeight?: number;
  /** Deploys a year, D, that may start with W. Default 52. */
  readonly deploysPerYear?: number;
  /** False alarms a year, F, per use case. Default 1. */
  readonly falseAlarmsPerYear?: number;
}

const HOURS_PER_YEAR = 8760;

/** C = (8760 + D W)/F, hours: 17,496 by default. An alarm needs M ≥ C, a ticket M ≥ C/10. */
export function alarmThreshold(budget: AlarmBudget = {}): number {
  const { deployWeight = 168, deploysPerYear = 52, falseAlarmsPerYear = 1 } = budget;
  if (!(deployWeight >= 1 && deploysPerYear >= 0 && falseAlarmsPerYear > 0)) {
    throw new RangeError(
      `alarmThreshold: W = ${deployWeight}, D = ${deploysPerYear}, F = ${falseAlarmsPerYear}`,
    );
  }
  return (HOURS_PER_YEAR + deploysPerYear * deployWeight) / falseAlarmsPerYear;
}

/**
 * The start weight of each deploy: W while fewer than D deploys of the rolling year before it got W,
 * otherwise 1. Keeps the yearly budget when deploys arrive faster than planned.
 *
 * @param deployHours whole hours since 1970 UTC, ascending; the same length and order is returned
 */
export function deployStartWeights(deployHours: readonly number[], budget: AlarmBudget = {}): number[] {
  const { deployWeight = 168, deploysPerYear = 52 } = budget;
  const granted: number[] = [];
  return deployHours.map((hour, i) => {
    if (i > 0 && hour < deployHours[i - 1]!)
      throw new RangeError("deployStartWeights: hours are not ascending");
    while (granted.length > 0 && granted[0]! <= hour - HOURS_PER_YEAR) granted.shift();
    if (granted.length >= deploysPerYear) return 1;
    granted.push(hour);
    return deployWeight;
  });
}
