import {
  type Alarm,
  type DetectorReading,
  emptyDetector,
  evidenceOfHour,
  foldHours,
  type HourEvidence,
  type JudgedUnit,
  LOG_CLEARED,
  logMixture,
  pairedBets,
  type PairedEvidence,
  type PreparedSnapshot,
  prepareSnapshot,
  stepDetector,
  streamDetectors,
  weightedStreamAverage,
} from "@plumbline/stats";
import type { JudgedUnitRow } from "@plumbline/ports";
import { localHour } from "../../counts/local-hours.ts";
import { groupBy, unitOf } from "../../units/series.ts";

export interface WatchReading {
  /** log M, nats. */
  readonly logM: number;
  readonly logThreshold: number;
  /** The highest level reached so far: a page needs M ≥ C, a ticket M ≥ C/10. */
  readonly level: "none" | "ticket" | "page";
  readonly isCleared: boolean;
  /** log e-value that a fall by the clearance margin is excluded, since the start, nats. */
  readonly logClearance: number;
  /** Judged since the start. */
  readonly units: number;
}

/** Closed hours whose number of units is remembered. */
export const CLOSED_HOURS_KEPT = 48;

/**
 * The detector's state of one version, in constant memory: hours that can still change are kept as evidence, older
 * ones are folded into one number per stream and bet.
 *
 * It says every minute whether an alarm is near. The alarm itself is then read from the rows by `readAlarm`, so that no
 * assertion rests on this state.
 */
export class VersionWatch {
  readonly prepared: PreparedSnapshot;
  readonly fromHour: number;
  readonly #startWeight: number;
  readonly #bets: number;
  readonly #open = new Map<number, HourEvidence>();
  /** Pairs of a canary in hours that can still change. */
  readonly #openPairs = new Map<number, PairedEvidence>();
  readonly #clearance: Float64Array;
  #logS: Float64Array;
  #logPaired = emptyDetector(1, pairedBets.length);
  #units = 0;
  #closedThrough: number;
  #level: WatchReading["level"] = "none";
  #isCleared = false;
  /** Units of the newest closed hours, to notice verdicts that came late. */
  readonly #closedUnits = new Map<number, number>();

  constructor(
    prepared: PreparedSnapshot,
    start: { readonly fromHour: number; readonly startWeight: number },
  ) {
    const { streams, drops } = prepared.snapshot;
    this.prepared = prepared;
    this.fromHour = start.fromHour;
    this.#startWeight = start.startWeight;
    this.#bets = drops.length;
    this.#logS = emptyDetector(streams.length, drops.length);
    this.#clearance = new Float64Array(drops.length);
    this.#closedThrough = start.fromHour - 1;
  }

  /** isOpen returns true for an hour that is not folded yet. */
  isOpen(hour: number): boolean {
    return hour > this.#closedThrough;
  }

  /** All units of the hour judged so far; replaces what was given before. Closed hours are left alone. */
  setHour(hour: number, units: readonly JudgedUnit[]): void {
    if (this.isOpen(hour)) this.#open.set(hour, evidenceOfUnits(this.prepared, hour, units));
  }

  /** Pairs of an hour that is over; of weight only where the baseline reserved it. */
  setPairs(pairs: PairedEvidence): void {
    if (this.isOpen(pairs.hour)) this.#openPairs.set(pairs.hour, pairs);
  }

  /** Folds the hours through `hour` for good. @returns their evidence, to be stored */
  closeThrough(hour: number): readonly HourEvidence[] {
    const closed: HourEvidence[] = [];
    while (this.#closedThrough < hour) {
      this.#closedThrough += 1;
      const evidence = this.#open.get(this.#closedThrough);
      this.#open.delete(this.#closedThrough);
      this.#step(this.#logS, this.#closedThrough, evidence?.drop);
      const pairs = this.#openPairs.get(this.#closedThrough);
      this.#openPairs.delete(this.#closedThrough);
      this.#step(this.#logPaired, this.#closedThrough, pairs?.drop);
      this.#closedUnits.delete(this.#closedThrough - CLOSED_HOURS_KEPT);
      if (evidence !== undefined) {
        this.#closedUnits.set(this.#closedThrough, evidence.n[0]!);
        closed.push(evidence);
        this.#units += evidence.n[0]!;
        addTo(this.#clearance, evidence.clearance);
      }
      if (evidence !== undefined || pairs !== undefined)
        this.#note(this.#logS, this.#logPaired, this.#clearance);
    }
    return closed;
  }

  /**
   * isStale returns true when a closed hour was folded with other units than it has by now. Hours that are still open, before
   * the start or no longer remembered are not stale: nothing is known to be wrong with them.
   */
  isStale(hour: number, units: number): boolean {
    const isRemembered =
      hour >= this.fromHour && hour <= this.#closedThrough && hour > this.#closedThrough - CLOSED_HOURS_KEPT;
    return isRemembered && (this.#closedUnits.get(hour) ?? 0) !== units;
  }

  /** With the open hours through `hour`, as they stand. */
  read(hour: number): WatchReading {
    const logS = Float64Array.from(this.#logS);
    const logPaired = Float64Array.from(this.#logPaired);
    const clearance = Float64Array.from(this.#clearance);
    let units = this.#units;
    let logM = this.#closedThrough < this.fromHour ? -Infinity : this.#logM(logS, logPaired);
    for (let h = this.#closedThrough + 1; h <= hour; h++) {
      const evidence = this.#open.get(h);
      this.#step(logS, h, evidence?.drop);
      const pairs = this.#openPairs.get(h);
      this.#step(logPaired, h, pairs?.drop);
      if (evidence !== undefined) {
        units += evidence.n[0]!;
        addTo(clearance, evidence.clearance);
      }
      if (evidence !== undefined || pairs !== undefined) logM = this.#note(logS, logPaired, clearance);
    }
    const logThreshold = Math.log(this.prepared.snapshot.threshold);
    const logClearance = logMixture(clearance);
    return { logM, logThreshold, level: this.#level, isCleared: this.#isCleared, logClearance, units };
  }

  #step(logS: Float64Array, hour: number, logG: ArrayLike<number> | undefined): void {
    const logStart = hour === this.fromHour ? Math.log(this.#startWeight) : 0;
    stepDetector(logS, logStart, logG ?? new Float64Array(logS.length), logS);
  }

  #logM(logS: Float64Array, logPaired: Float64Array): number {
    const { weights, snapshot } = this.prepared;
    return weightedStreamAverage(
      [...streamDetectors(logS, this.#bets), ...streamDetectors(logPaired, pairedBets.length)],
      [...weights, snapshot.pairedWeight],
    );
  }

  /** A level never goes back: the evidence was there, whatever comes after. */
  #note(logS: Float64Array, logPaired: Float64Array, clearance: Float64Array): number {
    const logM = this.#logM(logS, logPaired);
    const logThreshold = Math.log(this.prepared.snapshot.threshold);
    if (logM >= logThreshold) this.#level = "page";
    else if (logM >= logThreshold - Math.log(10) && this.#level === "none") this.#level = "ticket";
    const isFitted = this.prepared.snapshot.kind === "fitted";
    if (isFitted && logMixture(clearance) >= LOG_CLEARED) this.#isCleared = true;
    return logM;
  }
}

/**
 * The evidence of one hour. In each stream the smallest rate among the hour's own units weighs one: rates follow from inputs
 * and earlier calls, never from scores, so the evidence stays valid, and where a slice is judged at a rate of its own its
 * stream uses every unit in full.
 */
export function evidenceOfUnits(
  prepared: PreparedSnapshot,
  hour: number,
  units: readonly JudgedUnit[],
): HourEvidence {
  const rateMin = units.reduce((least, unit) => Math.min(least, unit.rate), 1);
  if (units.every((unit) => unit.rate === rateMin)) return evidenceOfHour(prepared, hour, units, rateMin);
  const least = new Float64Array(prepared.snapshot.streams.length).fill(1);
  for (const unit of units) {
    for (const k of prepared.baseline(unit).slices) least[k] = Math.min(least[k]!, unit.rate);
  }
  least[0] = rateMin;
  if (prepared.pinnedMean) least[least.length - 1] = rateMin;
  return evidenceOfHour(prepared, hour, units, least);
}

function addTo(sums: Float64Array, first: ArrayLike<number>): void {
  // Stream 0, all traffic, comes first.
  for (let j = 0; j < sums.length; j++) sums[j]! += first[j]!;
}

export interface AlarmReading {
  readonly level: "ticket" | "page";
  readonly alarm: Alarm;
  readonly reading: DetectorReading;
}

/**
 * The strongest level that the rows reach, or null: anybody who has the rows and the baseline can compute an alarm again. A
 * ticket is an alarm against a tenth of the threshold.
 *
 * @param units of the version, in any order; those before the start are left out
 * @param paired pairs of the version with the one beside it; they decide nothing here, and say whether that one fell as well
 */
export function readAlarm(
  prepared: PreparedSnapshot,
  start: { readonly fromHour: number; readonly startWeight: number },
  units: readonly JudgedUnitRow[],
  throughHour: number,
  paired: readonly PairedEvidence[] = [],
): AlarmReading | null {
  const hours = [
    ...groupBy(
      units.map((row) => unitOf(row)),
      ({ hour }) => String(hour),
    ).values(),
  ]
    .filter(([first]) => first!.hour >= start.fromHour)
    .map((group) => evidenceOfUnits(prepared, group[0]!.hour, group));
  const last = [...hours, ...paired].reduce((latest, { hour }) => Math.max(latest, hour), throughHour);
  const input = { ...start, throughHour: Math.max(start.fromHour, last), hours, paired };
  const page = foldHours(prepared, input);
  if (page.alarm !== undefined) return { level: "page", alarm: page.alarm, reading: page };
  const { snapshot } = prepared;
  const ticket = foldHours(
    prepareSnapshot({ ...snapshot, threshold: snapshot.threshold / 10 }, localHour),
    input,
  );
  return ticket.alarm === undefined ? null : { level: "ticket", alarm: ticket.alarm, reading: ticket };
}
