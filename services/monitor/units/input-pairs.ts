/**
 * Inputs that were judged under the incumbent and again under the candidate: a regular report, a nightly batch, a set of
 * test questions, a replay. Pairs take out how hard an input is, which is most of the noise.
 */
import type { JudgedUnitRow } from "@plumbline/ports";
import { type PairedReading, readPairs, type ScorePair } from "@plumbline/stats";
import { hourOf } from "./series.ts";

/** The newest inputs of the reference: bounds the memory of a watch to about a megabyte. */
const INPUTS_MAX = 5_000;
/** A drop of a hundredth is called nothing. */
export const PAIRED_DELTA = 0.01;

export interface InputPair extends ScorePair {
  /** Mean score of the input's units in the reference. */
  readonly old: number;
  /** The first unit of the candidate with that input. */
  readonly current: JudgedUnitRow;
}

/** @see readPairs for what the options mean */
interface PairedStart {
  /** Pairs whose new verdict arrived earlier are left out: they were spent on an incident before. */
  readonly fromHour: number;
  /** Of the baseline: measured on all hours of the reference, so it is all but free of any one old score. */
  readonly eta: number;
}

/**
 * The pairs of one version. An input makes one pair, however often it was judged: copies of it would not be independent.
 *
 * Pairs are in the order in which the new verdicts arrived, which knows nothing of the old scores.
 */
export class InputPairs {
  readonly #old = new Map<string, { sum: number; units: number }>();
  readonly #current = new Map<string, JudgedUnitRow>();

  /** @param reference units of the incumbent behind the baseline, in order of arrival */
  constructor(reference: readonly JudgedUnitRow[]) {
    for (const { input_fingerprint: input = "", score } of reference.toReversed()) {
      const known = this.#old.get(input);
      if (known !== undefined) {
        known.sum += score;
        known.units += 1;
      } else if (input !== "" && this.#old.size < INPUTS_MAX) this.#old.set(input, { sum: score, units: 1 });
    }
  }

  /** Takes in units of the candidate, in any order; a unit given twice counts once. @returns whether that made a pair */
  take(rows: readonly JudgedUnitRow[]): boolean {
    let isNew = false;
    for (const row of rows) {
      const { input_fingerprint: input = "" } = row;
      const known = this.#current.get(input);
      if (!this.#old.has(input) || (known !== undefined && byArrival(known, row) <= 0)) continue;
      this.#current.set(input, row);
      isNew = true;
    }
    return isNew;
  }

  /** Pairs made so far, those before the start included. */
  get size(): number {
    return this.#current.size;
  }

  /** In order of arrival. */
  pairs({ fromHour }: Pick<PairedStart, "fromHour">): readonly InputPair[] {
    const rows = [...this.#current.values()]
      .filter((row) => hourOf(row.judged_at) >= fromHour)
      .toSorted(byArrival);
    // Rates follow from inputs and earlier calls, never from scores: what is drawn more often counts for its traffic.
    const least = new Map<number, number>();
    for (const { judged_at, sample_rate } of rows) {
      const hour = hourOf(judged_at);
      least.set(hour, Math.min(least.get(hour) ?? 1, sample_rate));
    }
    return rows.map((current) => {
      const { sum, units } = this.#old.get(current.input_fingerprint!)!;
      const old = sum / units;
      const weight = least.get(hourOf(current.judged_at))! / current.sample_rate;
      return { old, current, difference: old - current.score, weight };
    });
  }

  read(start: PairedStart): PairedReading {
    return readPairs(this.pairs(start), { delta: PAIRED_DELTA, eta: start.eta });
  }
}

/** Share of the deploy's budget that a ticket of the pairs spends, as the weight of a paired stream. */
const PAIRED_SHARE = 0.2;

/**
 * log e at which the pairs decide, nats: a tenth of the page threshold C, over the start's weight and the share of the
 * pairs. 52 after a deploy, so wrong for at most one deploy in 52, however often one looks.
 */
export function logPairedThreshold(threshold: number, startWeight: number): number {
  return Math.log(threshold / 10 / (startWeight * PAIRED_SHARE));
}

export function byArrival(a: JudgedUnitRow, b: JudgedUnitRow): number {
  return a.judged_at.localeCompare(b.judged_at) || a.call_id.localeCompare(b.call_id);
}
