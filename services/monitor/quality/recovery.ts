/**
 * Says when quality is back after an incident, and how: rolled back, fixed by a later version, or by itself.
 *
 * Units judged since the regression ended are tested against "half of the damage is still there". Two e-processes for
 * H0: E[x | input] ≤ b(input) − d/2, one over all units with the drop d of the incident, one over the units of its worst
 * slice with the slice's own drop, are averaged; recovery is proven at e ≥ 20, wrong with probability at most 5% however
 * often anybody looks. The slice's stream makes it fast: where 18% of inputs fell from 0.92 to 0.45 about 150 units are
 * enough, against 500 for the overall mean alone and more for two disjoint intervals. The baseline adjusts for the mix, so
 * a quiet hour without the damaged inputs proves nothing.
 */
import {
  type IncidentFold,
  type IncidentState,
  isOpen,
  isStanding,
  RECOVERY_UNITS_MIN,
} from "@plumbline/alerts";
import type { Damage, QualityDetection } from "@plumbline/schemas";
import {
  addClearanceFactors,
  LOG_CLEARED,
  logMixture,
  logSumExp,
  nullMean,
  type PreparedSnapshot,
  prepareSnapshot,
} from "@plumbline/stats";
import { type AppendDeps, appendRecovered } from "../report/append-incident.ts";
import { snapshotOf } from "./watch/baseline.ts";
import { estimate, weightedTotal } from "../units/compare-versions.ts";
import type { KnownSeries } from "./watch/series-book.ts";
import type { MonitorPass } from "./watch/monitor-pass.ts";
import { localHour } from "../counts/local-hours.ts";
import { unitOf } from "../units/series.ts";
import type { ServedVersion, ServedVersions } from "../deploys/served-versions.ts";
import type { JudgedUnitRow } from "@plumbline/ports";
import { holder } from "./finding/explain-regression.ts";

interface AssertRecoveryDeps extends AppendDeps {
  readonly incidents: IncidentFold;
  readonly served: ServedVersions;
  readonly options: { readonly alpha: number };
}

/** The registry took the version back: clients follow within this time, and its silence needs no more to be believed, ms. */
const TAKEN_BACK_SILENT_MS = 30_000;

export async function assertRecoveries(
  known: KnownSeries,
  pass: MonitorPass,
  deps: AssertRecoveryDeps,
): Promise<void> {
  for (const incident of deps.incidents.ofSeries(known.series)) {
    if (isStanding(incident)) await assertRecovery(known, incident, pass, deps);
  }
}

async function assertRecovery(
  known: KnownSeries,
  incident: IncidentState<QualityDetection>,
  pass: MonitorPass,
  deps: AssertRecoveryDeps,
): Promise<void> {
  const { served, options } = deps;
  const { detection } = incident;
  const { damage, snapshot_id } = detection.evidence;
  const baseline = known.baselines.find((row) => row.snapshot_id === snapshot_id);
  const serving = served.serving(known.series);
  if (damage === null || baseline === undefined || serving === undefined) return;
  const version = detection.candidate.prompt_version;
  const silentMs = incident.rolled_back === null ? undefined : TAKEN_BACK_SILENT_MS;
  const since = served.goneSince(known.series, version, silentMs);
  // Without a change of version only what was judged after the newest assertion can show that it passed.
  const startMs = Date.parse(since ?? detection.window.end);
  const judging = since === null ? version : serving.prompt_version;
  const rows = await pass.unitsSince(known.series, startMs);
  const own = rows.filter((row) => row.prompt_version === judging);
  const recovery = readRecovery(
    prepareSnapshot(snapshotOf(baseline), localHour),
    damage,
    own,
    since === null ? "same_version" : "other_version",
  );
  const isRollback =
    since !== null &&
    (judging === detection.incumbent?.prompt_version ||
      startedBefore(served.of(known.series), judging, version));
  const cause = since === null ? "by_itself" : isRollback ? "rollback" : "new_version";
  if (!recovery.isProven && !(isRollback && isProgress(incident, recovery.units))) return;

  const { mean, interval } = estimate(weightedTotal(own), options.alpha / 2);
  const current = { prompt_version: judging, units: own.length, calls: own.length, mean, interval };
  await appendRecovered(incident, cause, current, pass.nowMs, deps);
  await deps.incidents.refresh();
  // The version starts afresh if it still serves; its evidence so far has been spent on this incident.
  known.watches.delete(version);
}

/** A rollback of an open incident is shown at once, and its progress each time the evidence doubled, until it is enough to decide. */
function isProgress(incident: IncidentState, units: number): boolean {
  if (!isOpen(incident) || units < 1 || units >= RECOVERY_UNITS_MIN) return false;
  return incident.state !== "watching" || units >= 2 * (incident.recovery?.current.units ?? 0);
}

function startedBefore(versions: readonly ServedVersion[], a: string, b: string): boolean {
  const names = versions.map((version) => version.prompt_version);
  return names.includes(a) && names.indexOf(a) < names.indexOf(b);
}

/** Margin of slices on top of the clearance margin, as in the baseline, score points. */
const SLICE_MARGIN_MORE = 0.02;
/** This test can't tell a smaller drop from none. */
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
