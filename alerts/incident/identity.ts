/** Ids of incidents and announcements, and places of versions: events with equal ones are about the same thing. */
import { createHash } from "node:crypto";
import type { Detection, IncidentEvent } from "@plumbline/schemas";

/** The part of a detection that says which incident it belongs to. */
type IncidentIdentity = Pick<Detection, "tenant" | "env" | "use_case" | "kind"> & {
  readonly metric: Pick<Detection["metric"], "name">;
  readonly candidate: Pick<Detection["candidate"], "prompt_version">;
};

/**
 * incidentKey is equal for detections of the same incident: tenant, environment, use case, kind, metric, candidate version.
 * Parts are percent-encoded, so that a slash inside a name cannot make two keys equal.
 */
export function incidentKey(detection: IncidentIdentity): string {
  const { tenant, env, use_case, kind, metric, candidate } = detection;
  return [tenant, env, use_case, kind, metric.name, candidate.prompt_version]
    .map(encodeURIComponent)
    .join("/");
}

/**
 * `inc_` and the first 16 hex digits of the key's SHA-256. The same incident gets the same id in every process,
 * so a detector that crashed and ran again repeats itself instead of opening a second incident.
 */
export function incidentId(key: string): string {
  return `inc_${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

export type RolledBack = Extract<IncidentEvent, { type: "rolled_back" }>;

/** rollbackId is the same for one rollback in every replica. @param offset of the command in the registry's log */
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
