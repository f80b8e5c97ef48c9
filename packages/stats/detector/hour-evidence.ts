import {
  type BaselineModel,
  type BaselineSnapshot,
  type JudgedUnit,
  requireUnit,
} from "../baseline/baseline-snapshot.ts";
import { addClearanceFactors } from "../sequential/clearance.ts";
import { addDropFactors, nullMean } from "../sequential/e-value.ts";
import { hourBlock, type LocalHour, utcHour } from "../sequential/hour-block.ts";
import { baselineMean } from "../baseline/ridge-baseline.ts";
import { compileColumns } from "../sequential/stream-columns.ts";

/**
 * The evidence of one hour about every stream of a snapshot. All fields are sums over units, so an hour may
 * be split, merged with `addEvidence`, or recomputed whole after a redelivery. Written as typed arrays;
 * plain arrays read back from a store are accepted everywhere.
 */
export interface HourEvidence {
  /** Whole hours since 1970 UTC. */
  readonly hour: number;
  /** Shape [streams]: units judged. */
  readonly n: ArrayLike<number>;
  /** Shape [streams]: sum of scores. */
  readonly sum: ArrayLike<number>;
  /** Shape [streams]: sum of the baseline's expectations, score points. */
  readonly expected: ArrayLike<number>;
  /** Shape [streams · J]: log-factors of the drop bets, nats. */
  readonly drop: ArrayLike<number>;
  /** Shape [streams · J]: log-factors of the clearance bets, nats. */
  readonly clearance: ArrayLike<number>;
}

/** A snapshot made ready for many hours: names resolved to positions. Not for storage. */
export interface PreparedSnapshot {
  readonly snapshot: BaselineSnapshot;
  readonly weights: Float64Array;
  /** Expected quality of a unit under the frozen model; streams that hold for it, 1-based slices. */
  readonly baseline: (unit: JudgedUnit) => { readonly mean: number; readonly slices: readonly number[] };
  /** The same under the pinned model; undefined without one. */
  readonly pinnedMean: ((unit: JudgedUnit) => number) | undefined;
}

/** @param localHour needed for a snapshot whose hours are those of another zone than UTC */
export function prepareSnapshot(
  snapshot: BaselineSnapshot,
  localHour: LocalHour = utcHour,
): PreparedSnapshot {
  const own = compileModel(snapshot.model, localHour);
  const pinned = snapshot.pinned ? compileModel(snapshot.pinned.model, localHour) : undefined;
  return {
    snapshot,
    weights: Float64Array.from(snapshot.streams, (stream) => stream.weight),
    baseline: own,
    pinnedMean: pinned && ((unit) => pinned(unit).mean),
  };
}

function compileModel(model: BaselineModel, localHour: LocalHour): PreparedSnapshot["baseline"] {
  const columns = compileColumns(model.columns);
  const beta = Float64Array.from(model.beta);
  const blockStart = 1 + model.columns.length;
  const { timeZone = "UTC" } = model;
  return (unit) => {
    const slices = columns(unit.slices);
    if (!model.hourBlocks) return { mean: baselineMean(beta, slices), slices };
    const block = blockStart + hourBlock(localHour(timeZone, unit.hour));
    return { mean: baselineMean(beta, [...slices, block]), slices };
  };
}

/**
 * The additive evidence of units judged in one hour: for stream k and bet j, Σ gᵢⱼₖ.
 *
 * Independent of the order of the units (up to rounding). A unit counts in stream 0, in every slice
 * that holds for it, and in the pinned stream.
 *
 * @param units   all judged in `hour`; may be empty
 * @param rateMin smallest sampling rate of any stratum in force in that hour, in (0, 1]: a property of
 *   the strata, not of scores. One for all streams, or shape [streams]: a stream whose units share one rate
 *   weighs them 1, however low the rate is elsewhere
 * @throws RangeError when a unit belongs to another hour or has a rate below `rateMin`
 */
export function evidenceOfHour(
  prepared: PreparedSnapshot,
  hour: number,
  units: readonly JudgedUnit[],
  rateMin: number | ArrayLike<number>,
): HourEvidence {
  const { streams, eta, drops, gains } = prepared.snapshot;
  const leastOf = (k: number): number => (typeof rateMin === "number" ? rateMin : rateMin[k]!);
  for (let k = 0; k < streams.length; k++) {
    const least = leastOf(k);
    if (!(least > 0 && least <= 1)) throw new RangeError(`evidenceOfHour: rateMin = ${least}`);
  }
  const evidence = zeros(prepared, hour);
  const count = (k: number, { x, rate }: JudgedUnit, b: number): void => {
    const w = leastOf(k) / rate;
    if (w > 1)
      throw new RangeError(`evidenceOfHour: rate ${rate} below the smallest in force, ${leastOf(k)}`);
    const stream = streams[k]!;
    const offset = k * drops.length;
    evidence.n[k]! += 1;
    evidence.sum[k]! += x;
    evidence.expected[k]! += b;
    addDropFactors(evidence.drop, offset, x, nullMean(b, stream.margin), w, eta, drops);
    addClearanceFactors(evidence.clearance, offset, x, nullMean(b, stream.clearanceMargin), w, eta, gains);
  };
  for (const unit of units) {
    requireUnit(unit);
    if (unit.hour !== hour)
      throw new RangeError(`evidenceOfHour: a unit of hour ${unit.hour} in hour ${hour}`);
    const { mean, slices } = prepared.baseline(unit);
    count(0, unit, mean);
    for (const k of slices) count(k, unit, mean);
    if (prepared.pinnedMean) count(streams.length - 1, unit, prepared.pinnedMean(unit));
  }
  return evidence;
}

type Sums = Record<"n" | "sum" | "expected" | "drop" | "clearance", Float64Array>;

function zeros(prepared: PreparedSnapshot, hour: number): Sums & { readonly hour: number } {
  const streams = prepared.snapshot.streams.length;
  const cells = streams * prepared.snapshot.drops.length;
  return {
    hour,
    n: new Float64Array(streams),
    sum: new Float64Array(streams),
    expected: new Float64Array(streams),
    drop: new Float64Array(cells),
    clearance: new Float64Array(cells),
  };
}

/** Sum of two parts of the same hour. */
export function addEvidence(a: HourEvidence, b: HourEvidence): HourEvidence {
  if (a.hour !== b.hour || a.drop.length !== b.drop.length) {
    throw new RangeError(
      `addEvidence: hours ${a.hour} and ${b.hour}, shapes ${a.drop.length} and ${b.drop.length}`,
    );
  }
  const add = (p: ArrayLike<number>, q: ArrayLike<number>): Float64Array =>
    Float64Array.from(p, (value, i) => value + q[i]!);
  return {
    hour: a.hour,
    n: add(a.n, b.n),
    sum: add(a.sum, b.sum),
    expected: add(a.expected, b.expected),
    drop: add(a.drop, b.drop),
    clearance: add(a.clearance, b.clearance),
  };
}
