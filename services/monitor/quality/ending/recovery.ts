/**
 * Whether quality came back: units judged since the regression ended, held against "half of the damage is still there".
 *
 * Two e-processes for H0: E[x | input] ≤ b(input) − d/2, one over all units with the drop d of the incident, one over
 * the units of its worst slice with the slice's own drop, are averaged; recovery is proven at e ≥ 20, wrong with
 * probability at most 5% however often anybody looks. The slice's stream makes it fast: where 18% of inputs fell from
 * 0.92 to 0.45 about 150 units are enough, against 500 for the overall mean alone and more for two disjoint intervals.
 * The baseline adjusts for the mix, so a quiet hour without the damaged inputs proves nothing.
 */
import type { JudgedUnitRow } from "@plumbline/ports";
import type { Damage } from "@plumbline/schemas";
import {
  addClearanceFactors,
  LOG_CLEARED,
  logMixture,
  logSumExp,
  nullMean,
  type PreparedSnapshot,
} from "@plumbline/stats";
import { holder } from "../finding/explain-regression.ts";
import { unitOf } from "../../units/series.ts";

/** The least judged units, whatever they say: the incident calls itself resolved by this number. */
export const RECOVERY_UNITS_MIN = 100;
/** What slices get on top of the clearance margin, as in the baseline, score points. */
const SLICE_MARGIN_MORE = 0.02;
/** A smaller drop can't be told from none by this test. */
const DROP_MIN = 0.01;

interface RecoveryReading {
  /** Nats. */
  readonly logE: number;
  readonly units: number;
  readonly isProven: boolean;
}

/**
 * @param units judged since the regression ended, of the version that serves
 * @param by    `same_version` when nothing was changed by us: an estimate made at an alarm is too large on average, and
 *   half of it may be more than the true drop, so then nothing beyond the clearance margin may be left, on either stream
 */
export function readRecovery(
  prepared: PreparedSnapshot,
  damage: Damage,
  units: readonly JudgedUnitRow[],
  by: "other_version" | "same_version" = "other_version",
): RecoveryReading {
  const { eta, gains, streams: watched } = prepared.snapshot;
  const margin = watched[0]!.clearanceMargin;
  const left = (drop: number, most: number): number =>
    by === "same_version" ? Math.min(drop / 2, most) : drop / 2;
  const streams = [
    { holds: () => true, drop: damage.drop, left: left(damage.drop, margin) },
    ...(damage.slice === null
      ? []
      : [
          {
            holds: holder(damage.slice.name),
            drop: damage.slice.drop,
            left: left(damage.slice.drop, margin + SLICE_MARGIN_MORE),
          },
        ]),
  ].filter(({ drop }) => drop >= DROP_MIN);
  const evidence = streams.map(({ holds, left: least }) => {
    const sums = new Float64Array(gains.length);
    for (const row of units) {
      if (!holds(row.slices)) continue;
      const m = nullMean(prepared.baseline(unitOf(row)).mean, least);
      addClearanceFactors(sums, 0, row.score, m, 1, eta, gains);
    }
    return logMixture(sums);
  });
  const average = logSumExp(evidence) - Math.log(evidence.length);
  const logE = evidence.length === 0 ? -Infinity : by === "same_version" ? Math.min(...evidence) : average;
  return { logE, units: units.length, isProven: logE >= LOG_CLEARED && units.length >= RECOVERY_UNITS_MIN };
}
