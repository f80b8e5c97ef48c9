/**
 * Appends the monitor's events to the incidents topic (detected, detected again, recovered), and reads what earlier incidents
 * mean for the quality of a series.
 */
import {
  encodeIncidentEvent,
  type IncidentFold,
  incidentId,
  incidentKey,
  INCIDENTS,
  type IncidentState,
  isOpen,
  isStanding,
} from "@plumbline/alerts";
import type { EventLog, QualitySeries } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import {
  type Detection,
  IncidentEvent,
  type QualityDetection,
  type RecoveryCause,
  type RecoveryEvidence,
} from "@plumbline/schemas";
import type { RegistryView } from "../deploys/registry-view.ts";
import { hourOf, iso } from "../units/series.ts";
import type { HourWindow } from "@plumbline/stats";

export interface AppendDeps {
  readonly log: Pick<EventLog, "append">;
  readonly logger: Logger;
  /** Numbers of versions and owners; without it versions are called by their hash. */
  readonly registry?: RegistryView;
}

/** Asserts a detection. @param incident_id of the open incident that it belongs to; its own when left out */
export async function appendDetected(
  detection: Detection,
  nowMs: number,
  deps: AppendDeps,
  incident_id: string = incidentId(incidentKey(detection)),
): Promise<void> {
  await appendIncident(
    { type: "detected", incident_id, at: iso(nowMs), actor: "monitor", detection },
    deps,
    detection,
  );
}

/** Asserts a detection unless its incident stands, dismissed or not: nothing of it changes while it lasts. */
export async function appendDetectedOnce(
  detection: Detection,
  nowMs: number,
  deps: AppendDeps & { readonly incidents: IncidentFold },
): Promise<void> {
  const known = deps.incidents.get(incidentId(incidentKey(detection)));
  if (known === undefined || !isStanding(known)) await appendDetected(detection, nowMs, deps);
}

export async function appendRecovered(
  { incident_id, detection }: Pick<IncidentState, "incident_id" | "detection">,
  cause: RecoveryCause,
  current: RecoveryEvidence,
  nowMs: number,
  deps: AppendDeps,
): Promise<void> {
  await appendIncident(
    { type: "recovered", incident_id, at: iso(nowMs), actor: "monitor", cause, current },
    deps,
    detection,
  );
}

/** The evidence of a gap that closed: calls arrive, jobs run, records are stored. */
export function closedGap(calls: number): RecoveryEvidence {
  return { prompt_version: "", units: 0, calls, mean: null, interval: null };
}

/**
 * Appends one event of an incident; resolves when it is durable.
 *
 * @throws when no reader could read it, such as a number that is none: an incident that is lost on the way must not look
 * like one that was never found
 */
async function appendIncident(
  event: Extract<IncidentEvent, { type: "detected" | "recovered" }>,
  { log, logger, registry }: AppendDeps,
  about: Pick<Detection, "tenant" | "use_case">,
): Promise<void> {
  try {
    await registry?.refresh();
  } catch (error) {
    // A message with a hash in place of a number is better than none.
    logger.warn({ err: error, incident_id: event.incident_id }, "monitor.version_names_unread");
  }
  const named = registry?.name(event, about) ?? event;
  IncidentEvent.parse(named);
  await log.append(INCIDENTS, [encodeIncidentEvent(named)]);
  logger.info({ incident_id: event.incident_id, type: event.type }, "monitor.asserted");
}

type Incidents = Pick<IncidentFold, "of" | "ofSeries">;

export function openIncident(
  incidents: Incidents,
  series: QualitySeries,
  version: string,
): IncidentState<QualityDetection> | undefined {
  return about(incidents, series, version).find((incident) => isOpen(incident));
}

/** A person said that this version is fine: it is not asserted again while what was found lasts. */
export function isMuted(incidents: Incidents, series: QualitySeries, version: string): boolean {
  return about(incidents, series, version).some(
    (incident) => incident.state === "dismissed" && isStanding(incident),
  );
}

/** Scores before and after a drift of the judge don't compare. */
export function isJudgeDrifting(incidents: Incidents, series: QualitySeries): boolean {
  return incidents.of(series, "judge_drift").some((incident) => isOpen(incident));
}

/** The hour after the last incident of the version was over; undefined when there was none. */
export function resumedHour(
  incidents: Incidents,
  series: QualitySeries,
  version: string,
): number | undefined {
  const hours = about(incidents, series, version)
    .filter((incident) => !isStanding(incident))
    .map((incident) => hourOf(incident.dismissal_over_at ?? incident.state_changed_at) + 1);
  return hours.length === 0 ? undefined : Math.max(...hours);
}

export function regressedVersions(incidents: readonly IncidentState[]): ReadonlySet<string> {
  return new Set(
    incidents
      .filter((incident) => incident.state !== "dismissed")
      .map((incident) => incident.detection.candidate.prompt_version),
  );
}

/** From the change to the end of the incident, or for ever while it is open. */
export function incidentHours({ detection, state, state_changed_at }: IncidentState): HourWindow[] {
  if (state === "dismissed") return [];
  const startHour = hourOf(detection.window.start);
  return [{ startHour, endHour: state === "resolved" ? hourOf(state_changed_at) + 1 : Infinity }];
}

function about(
  incidents: Incidents,
  series: QualitySeries,
  version: string,
): readonly IncidentState<QualityDetection>[] {
  return incidents.ofSeries(series).filter(({ detection }) => detection.candidate.prompt_version === version);
}
