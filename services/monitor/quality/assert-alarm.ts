/** From evidence that reached its threshold to a detection on the incidents topic, once, and kept true. */
import { type IncidentFold, incidentId, incidentKey, type IncidentState } from "@plumbline/alerts";
import type { BaselineRow, EventLog, JudgedUnitRow, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { Detection } from "@plumbline/schemas";
import { appendIncident } from "../append-incident.ts";
import { pairedEvidence } from "../canary/pair-units.ts";
import { referenceVersions } from "./baseline.ts";
import { LABELS_REACH_MS } from "./calibrate-judge.ts";
import { explainRegression } from "./explain-regression.ts";
import { findCause } from "./find-cause.ts";
import { isJudgeDrifting, isMuted, openIncident } from "./incident-history.ts";
import { type KnownSeries, throughHour, type Watched } from "./known-series.ts";
import type { Look } from "./look.ts";
import { makeDetection } from "./make-detection.ts";
import { type AlarmReading, readAlarm } from "./read-detector.ts";
import { HOUR_MS, hourOf, iso, type UseCase } from "./series.ts";
import type { VersionStates } from "./version-states.ts";
import type { WatchReading } from "./version-watch.ts";

/** An open incident is asserted again when its evidence has grown by this factor: its message stays true at a bounded rate. */
const REASSERT_GROWTH = 1.25;

export interface AssertAlarmDeps {
  readonly store: Pick<Store, "sliceMix" | "responseModels" | "judgeLabels">;
  readonly log: Pick<EventLog, "append">;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  readonly states: VersionStates;
  readonly options: AssertAlarmOptions;
  /** What the measures find normal about a version, for messages; nothing when left out. */
  readonly normal?: (useCase: UseCase, version: string) => readonly object[];
}

export interface AssertAlarmOptions {
  /** 1 − level of the intervals that people read. */
  readonly alpha: number;
  /** Whether evidence at a tenth of the page threshold is asserted, as SEV3. */
  readonly tickets: boolean;
}

/** Reads the watches with new evidence; asserts what they say, and notes who is cleared. */
export async function assertAlarms(known: KnownSeries, look: Look, deps: AssertAlarmDeps): Promise<void> {
  const { incidents, states, options } = deps;
  for (const [version, watched] of known.watches) {
    if (!watched.isDirty) continue;
    watched.isDirty = false;
    const reading = watched.watch.read(throughHour(watched, look.nowMs));
    if (reading.isCleared && reading.level === "none") {
      states.note(watched.baseline, "CLEARED", reading, look.nowMs);
    }
    const isAsserted = reading.level === "page" || (reading.level === "ticket" && options.tickets);
    if (!isAsserted || isMuted(incidents, known.series, version)) continue;
    if (isJudgeDrifting(incidents, known.series)) continue;
    await assertAlarm(known, watched, reading, look, deps);
  }
}

async function assertAlarm(
  known: KnownSeries,
  watched: Watched,
  reading: WatchReading,
  look: Look,
  deps: AssertAlarmDeps,
): Promise<void> {
  const { baseline, watch, start } = watched;
  const { options, incidents, states } = deps;
  const open = openIncident(incidents, known.series, baseline.prompt_version);
  const hasGrown = open === undefined || reading.units >= watchedUnits(open) * REASSERT_GROWTH;
  const mayRaise = open !== undefined && reading.level === "page" && levelOf(open) === "ticket";
  if (!hasGrown && !mayRaise) return;

  const startMs = Math.min(Date.parse(baseline.reference_start), start.fromHour * HOUR_MS);
  const units = await look.unitsSince(known.series, startMs);
  const own = units.filter((row) => row.prompt_version === baseline.prompt_version);
  const { eta } = watch.prepared.snapshot;
  const paired = pairedEvidence(units, baseline.prompt_version, start.fromHour, eta);
  const alarm = readAlarm(watch.prepared, start, own, throughHour(watched, look.nowMs), paired);
  // Evidence that was there in the middle of an hour and gone at its end: the next look decides.
  if (alarm === null || (alarm.level === "ticket" && !options.tickets)) return;
  if (!hasGrown && alarm.level !== "page") return;

  const detection = await describeAlarm({ known, watched, units, own, alarm, reading, look }, deps);
  await assertDetection(detection, look, deps);
  if (alarm.level === "page") states.note(baseline, "REGRESSED", reading, look.nowMs);
}

interface AlarmContext {
  readonly known: KnownSeries;
  readonly watched: Watched;
  /** Of the series, of all versions, since the start of the reference. */
  readonly units: readonly JudgedUnitRow[];
  /** Of the candidate among them. */
  readonly own: readonly JudgedUnitRow[];
  readonly alarm: AlarmReading;
  readonly reading: WatchReading;
  readonly look: Look;
}

async function describeAlarm(
  { known, watched, units, own, alarm, reading, look }: AlarmContext,
  { store, options, normal }: AssertAlarmDeps,
): Promise<Detection> {
  const { baseline, watch, start } = watched;
  const { series } = known;
  const { use_case } = series;
  const changedHour = alarm.alarm.origin === "deploy" ? start.fromHour : alarm.alarm.changeHour;
  const current = own.filter((row) => hourOf(row.judged_at) >= changedHour).sort(byArrival);
  const endMs = look.nowMs;
  const callsStart = Math.max(changedHour * HOUR_MS, Date.parse(baseline.deployed_at));
  const isSide = (row: { tenant: string; env: string }): boolean =>
    row.tenant === series.tenant && row.env === series.env;
  const [mixNow, mixBefore, models, labels, traffic] = await Promise.all([
    store.sliceMix({ use_case, start: iso(callsStart), end: iso(endMs + 1) }),
    store.sliceMix({ use_case, start: baseline.reference_start, end: baseline.reference_end }),
    store.responseModels({ use_case, start: baseline.reference_start, end: iso(endMs + 1) }),
    store.judgeLabels({ use_case, start: iso(endMs - LABELS_REACH_MS), end: iso(endMs + 1) }),
    look.trafficOf(series),
  ]);
  const versions = referenceVersions(baseline);
  const currentMix = mixNow.filter((row) => isSide(row) && row.prompt_version === baseline.prompt_version);
  const referenceMix = mixBefore.filter((row) => isSide(row) && versions.includes(row.prompt_version));
  return makeDetection({
    series,
    is_guardrail: known.is_guardrail,
    baseline,
    start,
    alarm,
    current,
    explained: explainRegression({
      prepared: watch.prepared,
      current,
      reference: referenceUnits(baseline, units),
      affected: alarm.alarm.affected,
      currentMix,
      referenceMix,
    }),
    cause: findCause(alarm.alarm, baseline.prompt_version, models.filter(isSide)),
    traffic,
    labels,
    calls: { candidate: sumCalls(currentMix), incumbent: sumCalls(referenceMix) },
    endMs,
    alpha: options.alpha,
    unitsWatched: reading.units,
    normal: normal?.(series, baseline.prompt_version) ?? [],
  });
}

async function assertDetection(detection: Detection, look: Look, deps: AssertAlarmDeps): Promise<void> {
  const incident_id = incidentId(incidentKey(detection));
  await appendIncident(
    { type: "detected", incident_id, at: iso(look.nowMs), actor: "monitor", detection },
    deps,
  );
  await deps.incidents.refresh();
}

/** Units behind the baseline, as far back as they are still there. */
function referenceUnits(baseline: BaselineRow, units: readonly JudgedUnitRow[]): readonly JudgedUnitRow[] {
  const versions = referenceVersions(baseline);
  return units.filter(
    (row) =>
      versions.includes(row.prompt_version) &&
      row.judged_at >= baseline.reference_start &&
      row.judged_at < baseline.reference_end,
  );
}

function levelOf({ detection }: IncidentState): unknown {
  const detector = detection.evidence["detector"];
  return typeof detector === "object" && detector !== null && "level" in detector ? detector.level : null;
}

/** Units of the watch at the last assertion. */
function watchedUnits({ detection }: IncidentState): number {
  const units = detection.evidence["units_watched"];
  return typeof units === "number" ? units : detection.candidate.units;
}

function sumCalls(rows: readonly { readonly calls: number }[]): number {
  return rows.reduce((sum, row) => sum + row.calls, 0);
}

function byArrival(a: JudgedUnitRow, b: JudgedUnitRow): number {
  return a.judged_at.localeCompare(b.judged_at) || a.call_id.localeCompare(b.call_id);
}
