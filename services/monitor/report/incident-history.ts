/** Reads what earlier incidents mean for the quality of a series. */
import { type IncidentFold, type IncidentState, isOpen, isStanding } from "@plumbline/alerts";
import type { QualitySeries } from "@plumbline/ports";
import type { QualityDetection } from "@plumbline/schemas";
import type { HourWindow } from "@plumbline/stats";
import { hourOf } from "../units/series.ts";

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
