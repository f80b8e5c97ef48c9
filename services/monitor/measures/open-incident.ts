/**
 * What the measures' assertions have in common. One incident a use case and kind at a time for drift, one a version and
 * metric for the rest: while it is open, more features become its evidence and not more incidents. What is open is read
 * from the fold of the log; nothing is appended twice.
 */
import { type IncidentFold, incidentId, incidentKey, isOpen, type IncidentState } from "@plumbline/alerts";
import type { Clock, EventLog, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { Detection } from "@plumbline/schemas";
import { appendIncident } from "../append-incident.ts";
import type { UseCaseKey } from "../use-case-guard.ts";
import type { UseCaseMeasures } from "./use-case-measures.ts";

export interface AssertDeps {
  readonly store: Pick<Store, "judgedUnits">;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  readonly holds: (useCase: string) => boolean;
}

export const FEATURES_NAMED = 10;

/** An open incident's numbers are replaced at most this often. */
const REASSERT_MIN_MS = 6 * 3_600_000;

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

export function openOf(
  key: UseCaseKey,
  kind: Detection["kind"],
  { incidents }: AssertDeps,
): readonly IncidentState[] {
  return incidents.of(key, kind).filter(isOpen);
}

/** Opens an incident, or adds to the open one what it does not know yet: a feature that is new to it. */
export async function detect(
  detection: Detection,
  open: readonly IncidentState[],
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const [known] = open;
  if (known !== undefined) {
    if (!isNews(known, detection, now)) return;
    // The incident keeps its name: metric and version are part of its identity.
    const { metric, candidate } = known.detection;
    const same = {
      ...detection,
      metric,
      candidate: { ...detection.candidate, prompt_version: candidate.prompt_version },
    };
    const event = {
      type: "detected",
      incident_id: known.incident_id,
      at: iso(now),
      actor: "monitor",
      detection: same,
    } as const;
    await appendIncident(event, deps);
    return;
  }
  if (isDismissed(detection, deps)) return;
  const incident_id = incidentId(incidentKey(detection));
  await appendIncident({ type: "detected", incident_id, at: iso(now), actor: "monitor", detection }, deps);
}

/** Whether a person said that this very incident is none. */
export function isDismissed(detection: Detection, { incidents }: AssertDeps): boolean {
  return incidents.get(incidentId(incidentKey(detection)))?.state === "dismissed";
}

/** Whether an open incident's message would say more with the newer numbers. */
export function isNews(known: IncidentState, detection: Detection, now: number): boolean {
  // Which slice it is may take an hour more than that something changed, and is worth an edit at once.
  const namesSlice = isText(detection.evidence["slice"]) && !isText(known.detection.evidence["slice"]);
  const isRecent = now - Date.parse(known.updated_at) < REASSERT_MIN_MS;
  return namesSlice || (!isRecent && hasNewFeature(known.detection, detection));
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function hasNewFeature(known: Detection, detection: Detection): boolean {
  const names = (each: Detection): readonly string[] => {
    const features = each.evidence["features"];
    return Array.isArray(features)
      ? features.map((feature) => JSON.stringify([feature.feature, feature.slice ?? null]))
      : [];
  };
  const old = new Set(names(known));
  // A full list cannot grow: beyond it nothing is news.
  return (
    old.size < FEATURES_NAMED && names(detection).some((name) => !old.has(name)) && sizeGrew(known, detection)
  );
}

/** Numbers are replaced only when they say more: a message is not edited for every hour. */
function sizeGrew(known: Detection, detection: Detection): boolean {
  return detection.candidate.calls >= 1.25 * known.candidate.calls || detection.effect >= 1.25 * known.effect;
}

export async function recover(
  state: IncidentState,
  how: string,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const serving = measures.serving();
  const current = {
    prompt_version: serving?.name ?? state.detection.candidate.prompt_version,
    units: 0,
    calls: measures.callsOf(serving?.name ?? ""),
    mean: state.detection.incumbent?.mean ?? 0,
    interval: [...(state.detection.incumbent?.interval ?? [0, 0])] as [number, number],
  };
  await appendIncident(
    { type: "recovered", incident_id: state.incident_id, at: iso(now), actor: "monitor", how, current },
    deps,
  );
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
