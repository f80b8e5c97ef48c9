/**
 * Opens, updates and ends the incidents of the measures. One incident a use case and kind at a time for drift, one a
 * version and metric for the rest: while it is open, more features become its evidence and not more incidents. What is open
 * is read from the fold of the log; nothing is appended twice.
 */
import {
  type IncidentFold,
  incidentId,
  incidentKey,
  type IncidentState,
  isOpen,
  isRaised,
  isStanding,
} from "@plumbline/alerts";
import type { Clock, Store } from "@plumbline/ports";
import {
  type Detection,
  type DetectionKind,
  type DetectionOf,
  HOUR_MS,
  type RecoveryCause,
} from "@plumbline/schemas";
import { type AppendDeps, appendDetected, appendRecovered } from "../report/append-incident.ts";
import { iso, type UseCase } from "../units/series.ts";
import type { UseCaseMeasures } from "./use-case-measures.ts";
import type { Estimate } from "../rates/version-health.ts";

export interface AssertDeps extends AppendDeps {
  readonly store: Pick<Store, "judgedUnits">;
  readonly clock: Clock;
  readonly incidents: IncidentFold;
  readonly holds: (useCase: string) => boolean;
}

export const FEATURES_NAMED = 10;

/** An open incident's numbers are replaced at most this often. */
const REASSERT_MIN_MS = 6 * HOUR_MS;

export const BASE: Pick<
  Detection,
  "is_guardrail" | "judge" | "rubric_hash" | "slices" | "verdict" | "level"
> = {
  is_guardrail: false,
  judge: null,
  rubric_hash: null,
  slices: [],
  verdict: null,
  level: 0.95,
};

export function openOf<Kind extends DetectionKind>(
  key: UseCase,
  kind: Kind,
  { incidents }: AssertDeps,
): readonly IncidentState<DetectionOf<Kind>>[] {
  return incidents.of(key, kind).filter(isOpen);
}

/** Those whose end is looked for: open, or dismissed and not over since. */
export function standingOf<Kind extends DetectionKind>(
  key: UseCase,
  kind: Kind,
  { incidents }: AssertDeps,
): readonly IncidentState<DetectionOf<Kind>>[] {
  return incidents.of(key, kind).filter(isStanding);
}

/** Opens an incident, or adds new features to the open one. */
export async function detect(
  detection: Detection,
  open: readonly IncidentState[],
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const [known] = open;
  if (known !== undefined) {
    if (!isNews(known, detection, now)) return;
    await appendDetected(asKnown(known.detection, detection), now, deps, known.incident_id);
  } else if (!isDismissed(detection, deps)) await appendDetected(detection, now, deps);
}

/** The incident keeps its version, which is part of its identity; its numbers and their names are the newest. */
function asKnown({ candidate }: Detection, detection: Detection): Detection {
  const { prompt_version, number } = candidate;
  return {
    ...detection,
    candidate: { ...detection.candidate, prompt_version, ...(number === undefined ? {} : { number }) },
  };
}

/** isDismissed returns true when a person dismissed this incident, and it lasts. */
export function isDismissed(detection: Detection, { incidents }: AssertDeps): boolean {
  const known = incidents.get(incidentId(incidentKey(detection)));
  return known?.state === "dismissed" && isStanding(known);
}

/** isNews returns true when an open incident's message would say more with the newer numbers. */
export function isNews(known: IncidentState, detection: Detection, now: number): boolean {
  if (isRaised(known.severity, detection.severity)) return true;
  // The slice may be known an hour after the change itself, and is worth an edit at once.
  const namesSlice = sliceOf(detection) !== null && sliceOf(known.detection) === null;
  const isRecent = now - Date.parse(known.updated_at) < REASSERT_MIN_MS;
  return namesSlice || (!isRecent && hasNewFeature(known.detection, detection));
}

function sliceOf(detection: Detection): string | null {
  return detection.kind === "output_drift" ? detection.evidence.slice : null;
}

function hasNewFeature(known: Detection, detection: Detection): boolean {
  const old = new Set(featuresOf(known));
  // A full list cannot grow: beyond it nothing is news.
  return (
    old.size < FEATURES_NAMED &&
    featuresOf(detection).some((name) => !old.has(name)) &&
    sizeGrew(known, detection)
  );
}

/** Features that moved, each with its slice. */
function featuresOf(detection: Detection): readonly string[] {
  if (detection.kind === "output_drift")
    return detection.evidence.features.map(({ feature, slice }) => JSON.stringify([feature, slice]));
  return detection.kind === "input_drift" ? detection.evidence.features.map(({ feature }) => feature) : [];
}

/** Numbers are replaced only when they say more: a message is not edited for every hour. */
function sizeGrew(known: Detection, detection: Detection): boolean {
  return detection.candidate.calls >= 1.25 * known.candidate.calls || detection.effect >= 1.25 * known.effect;
}

/** Another version serves: the one before, or a newer one. */
export async function recoverAfterChange(
  state: IncidentState,
  serving: string,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const cause = serving === state.detection.incumbent?.prompt_version ? "rollback" : "new_version";
  await recover(state, cause, measures, now, deps);
}

/** @param measured what the metric is now; null when nobody measured it again, and then no number is claimed */
export async function recover(
  state: IncidentState,
  cause: RecoveryCause,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
  measured: Estimate | null = null,
): Promise<void> {
  const serving = measures.serving();
  const current = {
    prompt_version: serving?.name ?? state.detection.candidate.prompt_version,
    units: 0,
    calls: measured?.calls ?? measures.callsOf(serving?.name ?? ""),
    mean: measured?.mean ?? null,
    interval: measured?.interval ?? null,
  };
  await appendRecovered(state, cause, current, now, deps);
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
