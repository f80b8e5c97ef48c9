/** Texts without numbers: names of versions and slices, begun like a sentence. */
import { clip, type Detection, sliceLabel } from "@plumbline/schemas";

/** Begun like a sentence; `v15` stays as it is. */
export function sentenceCase(text: string): string {
  if (/^v\d/.test(text)) return text;
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length);
}

export function isText(line: string | null): line is string {
  return line !== null && line !== "";
}
type Version = Detection["candidate"];

/** Short form of a content hash: its first 12 hex digits. */
export function shortVersion(promptVersion: string): string {
  const hex = hashOf(promptVersion);
  return hex ?? clip(promptVersion === "" ? "untagged" : promptVersion, 20);
}

export function candidateLabel({ candidate, incumbent }: Detection): string {
  const isAlone = incumbent === null || incumbent.prompt_version === candidate.prompt_version;
  return nameOf(candidate) ?? (isAlone ? "the live version" : "the new version");
}

export function incumbentLabel({ incumbent }: Detection): string {
  return (incumbent === null ? null : nameOf(incumbent)) ?? "the version before";
}

/** Any version, by its number where it is known, else by its name, and never by its hash alone. */
export function versionLabel(detection: Detection, version: string, number?: number): string {
  if (number !== undefined) return `v${number}`;
  const { candidate, incumbent } = detection;
  if (candidate.prompt_version === version) return candidateLabel(detection);
  if (incumbent?.prompt_version === version) return incumbentLabel(detection);
  const hex = hashOf(version);
  return hex === null ? shortVersion(version) : `another version (${hex})`;
}

/** Both versions with number and short hash; null where no version is meant, or the judge is. */
export function versionsText({ kind, candidate, incumbent }: Detection): string | null {
  if (candidate.prompt_version === "" || kind === "judge_drift") return null;
  const isAlone = incumbent === null || incumbent.prompt_version === candidate.prompt_version;
  return isAlone ? named(candidate, "live") : `${named(candidate, "new")}, ${named(incumbent, "before")}`;
}

/** `requests`, or what the use case calls them. */
export function requestsOf({ labels }: Pick<Detection, "labels">): string {
  return labels?.requests ?? "requests";
}

/** `requests that mention money`. */
export function requestsOfSlice({ labels }: Pick<Detection, "labels">, slice: string): string {
  return `${labels?.requests ?? "requests"} ${clip(sliceLabel(slice, labels?.slices), SLICE_LENGTH_MAX)}`;
}

const SLICE_LENGTH_MAX = 90;

/** A name of code as words: `keeps_amounts` is `keeps amounts`. */
export function spaced(name: string): string {
  return name.replaceAll("_", " ");
}

/** Null for a version that has only its hash. */
function nameOf({ number, prompt_version }: Version): string | null {
  if (number !== undefined) return `v${number}`;
  return hashOf(prompt_version) === null && prompt_version !== "" ? shortVersion(prompt_version) : null;
}

function hashOf(promptVersion: string): string | null {
  return /^sha256:([0-9a-f]{12})/.exec(promptVersion)?.[1] ?? null;
}

function named(version: Version, role: string): string {
  const short = shortVersion(version.prompt_version);
  return version.number === undefined ? `${role}: ${short}` : `${role}: v${version.number} (${short})`;
}
