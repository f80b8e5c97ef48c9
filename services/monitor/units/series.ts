/**
 * Series of judged conversations, and those of two versions in pairs, of two kinds: of the same hour, while both versions
 * served, and of the same input, such as a regular report, a nightly batch, test questions or a replay. Pure.
 */
import type { JudgedUnitRow, QualitySeries } from "@plumbline/ports";
import { HOUR_MS, isVersion } from "@plumbline/schemas";
import {
  type JudgedUnit,
  logEvidenceOfPairs,
  type PairedEvidence,
  type PairedReading,
  pairInHashOrder,
  readPairs,
  samplingUniform,
  type ScorePair,
} from "@plumbline/stats";

/** Least share of an hour's judged units at which two versions count as side by side: a first step of 5% does. */
const SHARE_MIN = 0.04;

/**
 * Differences old − new of one window. The stratum is the tenant: a finer one leaves more units without a partner than it
 * takes out of the noise.
 *
 * An arm that was judged at several rates, as after a boost of one slice, is thinned to the lowest: each arm
 * is then a plain sample of its own traffic, and the mixes compare.
 */
export function pairsOfWindow(old: readonly JudgedUnitRow[], current: readonly JudgedUnitRow[]): number[] {
  return pairInHashOrder(thinned(old).map(toUnit), thinned(current).map(toUnit));
}

function thinned(rows: readonly JudgedUnitRow[]): readonly JudgedUnitRow[] {
  const rateMin = rows.reduce((least, { sample_rate }) => Math.min(least, sample_rate), 1);
  return rows.filter(
    ({ sample_rate, call_id }) =>
      sample_rate === rateMin || samplingUniform("canary-thin/", call_id) < rateMin / sample_rate,
  );
}

function toUnit({ tenant, call_id, score }: JudgedUnitRow): { stratum: string; uniform: number; x: number } {
  return { stratum: tenant, uniform: samplingUniform("canary-pair/", call_id), x: score };
}

export interface HourOfPairs extends PairedEvidence {
  /** x_old − x_new of each pair, score points in [−1, 1]. */
  readonly differences: readonly number[];
}

interface Arms {
  readonly candidate: string;
  /** Null: the one judged most often since `fromHour`. */
  readonly incumbent: string | null;
  /** Whole hours since 1970 UTC. */
  readonly fromHour: number;
  readonly eta: number;
}

/**
 * The pairs of each hour in which both versions were judged side by side; null when nothing but the candidate was.
 *
 * @param units of one series, of all versions, in any order
 */
export function pairedEvidence(
  units: readonly JudgedUnitRow[],
  { candidate, incumbent: given, fromHour, eta }: Arms,
): { readonly incumbent: string; readonly hours: readonly HourOfPairs[] } | null {
  const rows = units.filter(({ judged_at }) => hourOf(judged_at) >= fromHour);
  const incumbent = given ?? otherArm(rows, candidate);
  if (incumbent === null) return null;
  const byHour = groupBy(rows, ({ judged_at }) => String(hourOf(judged_at)));
  const hours = [...byHour.values()].flatMap((hour): HourOfPairs[] => {
    const current = hour.filter((row) => row.prompt_version === candidate);
    const old = hour.filter((row) => row.prompt_version === incumbent);
    const share = current.length / (current.length + old.length);
    if (!(share >= SHARE_MIN && share <= 1 - SHARE_MIN)) return [];
    const differences = pairsOfWindow(old, current);
    return [
      {
        hour: hourOf(hour[0]!.judged_at),
        pairs: differences.length,
        drop: logEvidenceOfPairs(differences, { eta }),
        differences,
      },
    ];
  });
  return { incumbent, hours };
}

/** The tagged version, other than the candidate, that was judged most often; null without one. */
export function otherArm(rows: readonly JudgedUnitRow[], candidate: string): string | null {
  const others = groupBy(
    rows.filter(({ prompt_version }) => prompt_version !== candidate && isVersion(prompt_version)),
    ({ prompt_version }) => prompt_version,
  );
  const [most] = [...others].sort(([a, x], [b, y]) => y.length - x.length || a.localeCompare(b));
  return most?.[0] ?? null;
}

/** The newest inputs of the reference: bounds the memory of a watch to about a megabyte. */
const INPUTS_MAX = 5_000;
/** Drops of up to one point are ignored. */
export const PAIRED_DELTA = 0.01;

export interface InputPair extends ScorePair {
  /** Mean score of the input's units in the reference. */
  readonly old: number;
  /** The first unit of the candidate with that input. */
  readonly current: JudgedUnitRow;
}

interface PairedStart {
  /** Pairs whose new verdict arrived earlier are left out: an earlier incident has spent them. */
  readonly fromHour: number;
  /** Tempering of the baseline: measured on all hours of the reference, so no single old score moves it. */
  readonly eta: number;
}

/**
 * Inputs that were judged under the incumbent and again under the candidate: a pair takes out how hard an input is, which is
 * most of the noise. An input makes one pair, however often it was judged, since copies would not be independent. Pairs are
 * in the order in which the new verdicts arrived, which knows nothing of the old scores.
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

/** Hours of a watch that are rebuilt after a restart. Older starts are left out, which only errs towards silence. */
export const REBUILD_HOURS = 28 * 24;

export type UseCase = Pick<QualitySeries, "tenant" | "env" | "use_case">;

export function useCaseKey({ tenant, env, use_case }: UseCase): string {
  return JSON.stringify([tenant, env, use_case]);
}

/** Equal for units that may be compared with one another. */
export function seriesKey(series: QualitySeries): string {
  const { tenant, env, use_case, criterion, rubric_hash, judge } = series;
  return JSON.stringify([tenant, env, use_case, criterion, rubric_hash, judge]);
}

export function seriesOf(row: QualitySeries): QualitySeries {
  const { tenant, env, use_case, criterion, rubric_hash, judge } = row;
  return { tenant, env, use_case, criterion, rubric_hash, judge };
}

/** Whole hours since 1970 UTC. */
export function hourOf(time: string | number): number {
  return Math.floor((typeof time === "number" ? time : Date.parse(time)) / HOUR_MS);
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** A rate of zero can't have selected anything; it is read as the smallest one that the statistics accept. */
const RATE_MIN = 1e-9;

/** As the statistics take it; the evidence hour is that of the verdict's arrival, never of the call. */
export function unitOf({ judged_at, score, slices, sample_rate }: JudgedUnitRow): JudgedUnit {
  return { hour: hourOf(judged_at), x: score, slices, rate: Math.min(1, Math.max(RATE_MIN, sample_rate)) };
}

/** Rows by key, keys in the order in which they first appear. */
export function groupBy<Row, Key>(rows: Iterable<Row>, keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
