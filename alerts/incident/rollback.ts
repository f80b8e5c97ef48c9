/** What a rollback means for what people were told: nobody is asked to take back a version that was taken back. */
import type { Detection, IncidentEvent } from "@plumbline/schemas";
import { incidentId } from "./incident-key.ts";

export type RolledBack = Extract<IncidentEvent, { type: "rolled_back" }>;

/** Clients go on with the old pointer for a while: calls this soon after a rollback are from before it. */
const SWITCH_MS = 60_000;

/** Kinds that the version itself can cause. Inputs, missing judgements and the judge are none of its doing. */
const CAUSED_BY_VERSION: ReadonlySet<Detection["kind"]> = new Set([
  "quality",
  "output_drift",
  "latency",
  "cost",
  "success",
  "path_mix",
]);

/** The same rollback, the same id, whichever replica announces it. @param offset of the command in the registry's log */
export function rollbackId(logId: string, offset: number): string {
  return incidentId(["rollback", logId, offset].join("/"));
}

/** Names a version of a tenant's use case where it is live. */
export function placeOfVersion(
  place: Pick<RolledBack, "tenant" | "env" | "use_case" | "prompt_version">,
): string {
  return JSON.stringify([place.tenant, place.env, place.use_case, place.prompt_version]);
}

/** The place of the version that a detection blames. */
export function placeOfCandidate({ tenant, env, use_case, candidate }: Detection): string {
  return placeOfVersion({ tenant, env, use_case, prompt_version: candidate.prompt_version });
}

/** The rollback took back the version that the detection blames. */
export function takesBack(rollback: RolledBack, detection: Detection): boolean {
  return CAUSED_BY_VERSION.has(detection.kind) && placeOfVersion(rollback) === placeOfCandidate(detection);
}

/** All that was detected happened before the rollback, however late somebody noticed. */
export function isEvidenceBefore(rollback: RolledBack, { window }: Detection): boolean {
  return Date.parse(window.end) <= Date.parse(rollback.at) + SWITCH_MS;
}

/** ": <reason>" without its full stop, to go on a sentence; "" when none was given. */
export function whyOf({ reason }: RolledBack): string {
  const why = reason.trim().replace(/\.$/, "");
  return why === "" ? "" : `: ${why}`;
}
