/** Says when quality is back after an incident, and how: rolled back, fixed by a later version, or by itself. */
import { type IncidentFold, type IncidentState, isOpen } from "@plumbline/alerts";
import type { QualityDetection } from "@plumbline/schemas";
import { prepareSnapshot } from "@plumbline/stats";
import { type AppendDeps, appendIncident } from "../../report/append-incident.ts";
import { snapshotOf } from "../watch/baseline.ts";
import { estimate, weightedTotal } from "../../units/compare-versions.ts";
import type { KnownSeries } from "../watch/series-book.ts";
import type { Look } from "../watch/monitor-pass.ts";
import { readRecovery, RECOVERY_UNITS_MIN } from "./recovery.ts";
import { iso } from "../../units/series.ts";
import type { ServedVersion, ServedVersions } from "../../deploys/served-versions.ts";

interface AssertRecoveryDeps extends AppendDeps {
  readonly incidents: IncidentFold;
  readonly served: ServedVersions;
  readonly options: { readonly alpha: number };
}

export async function assertRecoveries(
  known: KnownSeries,
  look: Look,
  deps: AssertRecoveryDeps,
): Promise<void> {
  for (const incident of deps.incidents.ofSeries(known.series)) {
    if (isOpen(incident)) await assertRecovery(known, incident, look, deps);
  }
}

async function assertRecovery(
  known: KnownSeries,
  incident: IncidentState<QualityDetection>,
  look: Look,
  deps: AssertRecoveryDeps,
): Promise<void> {
  const { served, options } = deps;
  const { detection } = incident;
  const { damage, snapshot_id } = detection.evidence;
  const baseline = known.baselines.find((row) => row.snapshot_id === snapshot_id);
  const serving = served.serving(known.series);
  if (damage === null || baseline === undefined || serving === undefined) return;
  const version = detection.candidate.prompt_version;
  const since = served.goneSince(known.series, version);
  // Without a change of version only what was judged after the newest assertion can show that it passed.
  const startMs = Date.parse(since ?? detection.window.end);
  const judging = since === null ? version : serving.prompt_version;
  const rows = await look.unitsSince(known.series, startMs);
  const own = rows.filter((row) => row.prompt_version === judging);
  const recovery = readRecovery(
    prepareSnapshot(snapshotOf(baseline)),
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
  await appendIncident(
    {
      type: "recovered",
      incident_id: incident.incident_id,
      at: iso(look.nowMs),
      actor: "monitor",
      cause,
      current: {
        prompt_version: judging,
        units: own.length,
        calls: own.length,
        mean,
        interval: [interval[0], interval[1]],
      },
    },
    deps,
    detection,
  );
  await deps.incidents.refresh();
  // The version starts afresh if it still serves; its evidence so far has been spent on this incident.
  known.watches.delete(version);
}

/** A rollback is shown at once, and its progress each time the evidence doubled, until it is enough to decide. */
function isProgress(incident: IncidentState, units: number): boolean {
  if (units < 1 || units >= RECOVERY_UNITS_MIN) return false;
  return incident.state !== "watching" || units >= 2 * (incident.recovery?.current.units ?? 0);
}

function startedBefore(versions: readonly ServedVersion[], a: string, b: string): boolean {
  const names = versions.map((version) => version.prompt_version);
  return names.includes(a) && names.indexOf(a) < names.indexOf(b);
}
