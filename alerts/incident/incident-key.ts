import { createHash } from "node:crypto";
import type { Detection } from "@plumbline/schemas";

/** The part of a detection that says which incident it belongs to. */
type IncidentIdentity = Pick<Detection, "tenant" | "env" | "use_case" | "kind"> & {
  readonly metric: Pick<Detection["metric"], "name">;
  readonly candidate: Pick<Detection["candidate"], "prompt_version">;
};

/**
 * What makes two detections the same incident: tenant, environment, use case, kind, metric and candidate version.
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
