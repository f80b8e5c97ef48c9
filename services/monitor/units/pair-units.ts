/** Judged conversations of two versions that ran side by side, in pairs. Pure. */
import type { JudgedUnitRow } from "@plumbline/ports";
import { isVersion } from "@plumbline/schemas";
import { logEvidenceOfPairs, pairInHashOrder, type PairedEvidence, samplingUniform } from "@plumbline/stats";
import { groupBy, hourOf } from "./series.ts";

/** Least share of an hour's judged units at which two versions count as side by side: a first step of 5% does. */
const SHARE_MIN = 0.04;

/**
 * Differences old − new of one window. The stratum is the tenant: a finer one would leave more units without a partner
 * than it takes out of the noise.
 *
 * Where an arm was judged at several rates, as after a boost of one slice, its units are thinned to the lowest: each arm
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
