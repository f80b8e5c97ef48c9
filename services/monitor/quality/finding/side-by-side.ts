/**
 * A canary against the version that serves beside it. Whatever hits both alike, such as an outage of the provider or
 * harder inputs, cancels out in pairs from the same hour.
 *
 * Where the registry gave the version a share before its baseline was frozen, the pairs are one more stream of the
 * detector, at a weight that the baseline reserved. Else they decide nothing here, and say whether the other version
 * fell as well.
 */
import type { BaselineRow, JudgedUnitRow } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import {
  type DetectorReading,
  isPairedSilent,
  logMixture,
  pairedBets,
  pairedInterval,
} from "@plumbline/stats";
import { type HourOfPairs, pairedEvidence } from "../../units/pair-units.ts";
import { snapshotOf } from "../watch/baseline.ts";
import { estimate, weightedTotal } from "../../units/compare-versions.ts";
import { byArrival } from "../../units/input-pairs.ts";
import type { Finding } from "./make-detection.ts";
import { hourOf } from "../../units/series.ts";

export const SIDE_BY_SIDE_METHOD = "side by side with the old version, paired e-detector";

/** In the hour of a deploy both versions are judged, one after the other: only a second hour shows that they serve together. */
const SHARED_HOURS_MIN = 2;
/** The last verdicts of an hour may still be on their way to the store. */
const SETTLE_MS = 5 * 60_000;

export interface SideBySide {
  readonly incumbent: string;
  readonly hours: readonly HourOfPairs[];
}

/** The version whose answers make pairs with this one's, if the baseline has a stream for them. */
export function incumbentBeside(baseline: Pick<BaselineRow, "snapshot">): string | null {
  const { pairedWeight, lineage } = snapshotOf(baseline);
  return pairedWeight > 0 ? (lineage["beside"] ?? null) : null;
}

/**
 * Hours with pairs since `fromHour`. Those of a stream count when their hour is over: before that the next unit may
 * change who is paired with whom, and a reader of half an hour could choose when to look.
 *
 * @param units of one series, all versions, in any order; hours of which only a part is given would be paired wrongly
 * @returns null when no other version served beside this one
 */
export function sideBySide(
  baseline: Pick<BaselineRow, "snapshot" | "prompt_version">,
  units: readonly JudgedUnitRow[],
  fromHour: number,
  nowMs: number,
): SideBySide | null {
  const incumbent = incumbentBeside(baseline);
  const found = pairedEvidence(units, {
    candidate: baseline.prompt_version,
    incumbent,
    fromHour,
    eta: snapshotOf(baseline).eta,
  });
  if (found === null || (incumbent === null && found.hours.length < SHARED_HOURS_MIN)) return null;
  const isOver = ({ hour }: HourOfPairs): boolean => (hour + 1) * HOUR_MS + SETTLE_MS <= nowMs;
  return incumbent === null ? found : { incumbent, hours: found.hours.filter((each) => isOver(each)) };
}

/** Half or more of the evidence is that of the pairs: then they are what people should read. */
export function isFoundByPairs({ paired, logM }: DetectorReading): boolean {
  return paired.weight > 0 && Math.log(paired.weight) + paired.logDetector >= logM - Math.LN2;
}

/** What the pairs say by now, which may be hours after the alarm. */
interface BesideReading {
  readonly pairs: number;
  /** log e that the version is worse, since the start of the watch, nats. */
  readonly logE: number;
  /** Mean of x_old − x_new, score points. */
  readonly difference: number;
  /** The other version fell as well: coincides with the deploy, not caused by it. */
  readonly isSilent: boolean;
}

/** Null without a pair. */
export function readBeside(beside: SideBySide | null): BesideReading | null {
  const differences = differencesOf(beside);
  if (beside === null || differences.length === 0) return null;
  const sums = pairedBets.map((_, j) => beside.hours.reduce((sum, { drop }) => sum + drop[j]!, 0));
  const logE = logMixture(sums);
  const pairs = differences.length;
  return { pairs, logE, difference: meanOf(differences), isSilent: isPairedSilent(pairs, logE) };
}

/** Sizes as both versions had them in the same hours, where the history would say something else. */
export function besideFinding(
  finding: Finding,
  { incumbent, hours }: SideBySide,
  units: readonly JudgedUnitRow[],
  candidate: string,
  { alpha, eta }: { readonly alpha: number; readonly eta: number },
): { readonly finding: Finding; readonly reference: readonly JudgedUnitRow[] } {
  const shared = new Set(hours.map(({ hour }) => hour));
  const rows = units.filter(({ judged_at }) => shared.has(hourOf(judged_at))).toSorted(byArrival);
  const current = rows.filter((row) => row.prompt_version === candidate);
  const reference = rows.filter((row) => row.prompt_version === incumbent);
  const differences = differencesOf({ incumbent, hours });
  const drop = meanOf(differences);
  const { lower, upper } = pairedInterval(
    differences.map((difference) => ({ difference, weight: 1 })),
    { alpha, eta },
  );
  const told: Finding = {
    ...finding,
    method: SIDE_BY_SIDE_METHOD,
    current,
    comparison: {
      candidate: estimate(weightedTotal(current), alpha / 2),
      incumbent: estimate(weightedTotal(reference), alpha / 2),
      effect: -drop,
      interval: [-upper, -lower],
    },
    effectSe: errorOf(differences),
    drop,
  };
  return { finding: told, reference };
}

function differencesOf(beside: SideBySide | null): readonly number[] {
  return beside === null ? [] : beside.hours.flatMap(({ differences }) => differences);
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard error of the mean. */
function errorOf(values: readonly number[]): number {
  const n = values.length;
  if (n < 2) return 1;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1) / n);
}
