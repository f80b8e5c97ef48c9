/** Asserts evidence that reached its threshold as a detection, once, and keeps its numbers true. */
import type { IncidentFold } from "@plumbline/alerts";
import type { BaselineRow, JudgedUnitRow } from "@plumbline/ports";
import { type Detection, HOUR_MS } from "@plumbline/schemas";
import {
  type AppendDeps,
  appendDetected,
  isJudgeDrifting,
  isMuted,
  openIncident,
} from "../report/append-incident.ts";
import { alarmFinding, besideFinding, isFoundByPairs, pairsFinding } from "./finding/findings.ts";
import { referenceVersions } from "./watch/baseline.ts";
import { describeFinding, type DescribeFindingDeps } from "./finding/describe-finding.ts";
import { pairsOf, sideBySide } from "./watch/watch-pairs.ts";
import { type KnownSeries, throughHour, type Watched } from "./watch/series-book.ts";
import type { MonitorPass } from "./watch/monitor-pass.ts";
import { readAlarm, type WatchReading } from "./watch/version-watch.ts";
import type { VersionStates } from "./watch/version-states.ts";

/**
 * An open incident is asserted again when its evidence has grown by this factor: its message stays true at a bounded rate.
 */
const REASSERT_GROWTH = 1.25;

interface AssertAlarmDeps extends DescribeFindingDeps, AppendDeps {
  readonly incidents: IncidentFold;
  readonly states: VersionStates;
  readonly options: AssertAlarmOptions;
}

export interface AssertAlarmOptions {
  /** 1 − level of the intervals that people read. */
  readonly alpha: number;
  /** True when evidence at a tenth of the page threshold is asserted, as SEV3. */
  readonly tickets: boolean;
}

/** Reads the watches with new evidence, asserts their alarms, and notes which versions are cleared. */
export async function assertAlarms(
  known: KnownSeries,
  pass: MonitorPass,
  deps: AssertAlarmDeps,
): Promise<void> {
  const { incidents, states, options } = deps;
  for (const [version, watched] of known.watches) {
    if (!watched.isDirty) continue;
    const reading = watched.watch.read(throughHour(watched, pass.nowMs));
    const isAlarm = reading.level === "page" || (reading.level === "ticket" && options.tickets);
    const isHeld = isMuted(incidents, known.series, version) || isJudgeDrifting(incidents, known.series);
    if (isAlarm && !isHeld) await assertAlarm(known, watched, reading, pass, deps);
    const isWorseInPairs = await assertPairs(known, watched, reading, pass, deps, isHeld);
    if (reading.isCleared && reading.level === "none" && !isWorseInPairs) {
      states.note(watched.baseline, "CLEARED", reading, pass.nowMs);
    }
    watched.isDirty = false;
  }
}

async function assertAlarm(
  known: KnownSeries,
  watched: Watched,
  reading: WatchReading,
  pass: MonitorPass,
  deps: AssertAlarmDeps,
): Promise<void> {
  const { baseline, watch, start } = watched;
  const { options, incidents, states } = deps;
  const open = openIncident(incidents, known.series, baseline.prompt_version);
  const hasGrown =
    open === undefined || reading.units >= open.detection.evidence.units_watched * REASSERT_GROWTH;
  const mayRaise =
    open !== undefined && reading.level === "page" && open.detection.evidence.detector?.level === "ticket";
  if (!hasGrown && !mayRaise) return;

  const startMs = Math.min(Date.parse(baseline.reference_start), start.fromHour * HOUR_MS);
  const units = await pass.unitsSince(known.series, startMs);
  const own = units.filter((row) => row.prompt_version === baseline.prompt_version);
  const { eta } = watch.prepared.snapshot;
  const beside = sideBySide(baseline, units, start.fromHour, pass.nowMs);
  const alarm = readAlarm(watch.prepared, start, own, throughHour(watched, pass.nowMs), beside?.hours);
  // The evidence was there in the middle of an hour and is gone at its end: the next pass decides.
  if (alarm === null || (alarm.level === "ticket" && !options.tickets)) return;
  if (!hasGrown && alarm.level !== "page") return;

  const { alpha } = options;
  const read = alarmFinding(watched, alarm, own, beside, { alpha, unitsWatched: reading.units });
  const told =
    beside !== null && isFoundByPairs(alarm.reading)
      ? besideFinding(read, beside, units, baseline.prompt_version, { alpha, eta })
      : { finding: read, reference: referenceUnits(baseline, units) };
  await assertDetection(await describeFinding({ known, watched, ...told, pass }, deps), pass, deps);
  if (alarm.level === "page") states.note(baseline, "REGRESSED", reading, pass.nowMs);
}

/**
 * A ticket when the same inputs are answered worse than before. Another incident of the version says at least as much,
 * and a page is never taken back to a ticket.
 *
 * @returns true when the pairs say that the version is worse, reported or not
 */
async function assertPairs(
  known: KnownSeries,
  watched: Watched,
  reading: WatchReading,
  pass: MonitorPass,
  deps: AssertAlarmDeps,
  isHeld: boolean,
): Promise<boolean> {
  const inputs = await pairsOf(known, watched, pass);
  if (inputs === null || inputs.size === 0) return false;
  const { alpha, tickets } = deps.options;
  const finding = pairsFinding(watched, inputs, { alpha, unitsWatched: reading.units });
  if (finding === null) return false;
  const { baseline } = watched;
  const open = openIncident(deps.incidents, known.series, baseline.prompt_version);
  const hasGrown =
    open === undefined ||
    (open.detection.evidence.detector?.kind === "same_input_pairs" &&
      finding.current.length >= open.detection.candidate.units * REASSERT_GROWTH);
  if (isHeld || !tickets || !hasGrown) return true;
  const units = await pass.unitsSince(known.series, Date.parse(baseline.reference_start));
  const texts = new Set(finding.current.map((row) => row.input_fingerprint));
  const reference = referenceUnits(baseline, units).filter((row) => texts.has(row.input_fingerprint));
  await assertDetection(
    await describeFinding({ known, watched, finding, reference, pass }, deps),
    pass,
    deps,
  );
  return true;
}

async function assertDetection(
  detection: Detection,
  pass: MonitorPass,
  deps: AssertAlarmDeps,
): Promise<void> {
  await appendDetected(detection, pass.nowMs, deps);
  await deps.incidents.refresh();
}

/** Units behind the baseline that have not expired. */
function referenceUnits(baseline: BaselineRow, units: readonly JudgedUnitRow[]): readonly JudgedUnitRow[] {
  const versions = referenceVersions(baseline);
  return units.filter(
    (row) =>
      versions.includes(row.prompt_version) &&
      row.judged_at >= baseline.reference_start &&
      row.judged_at < baseline.reference_end,
  );
}
