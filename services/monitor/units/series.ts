import type { JudgedUnitRow, QualitySeries } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import type { JudgedUnit } from "@plumbline/stats";

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
