/** Texts without numbers: names of versions, cut to fit, begun like a sentence. */
import type { Detection } from "@plumbline/schemas";

/** Cut to `length` characters, with an ellipsis where something is missing. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

export function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function isText(line: string | null): line is string {
  return line !== null && line !== "";
}
type Version = Detection["candidate"];

/** Short form of a content hash: its first 12 hex digits. */
export function shortVersion(promptVersion: string): string {
  const hex = /^sha256:([0-9a-f]{12})/.exec(promptVersion)?.[1];
  return hex ?? clip(promptVersion === "" ? "untagged" : promptVersion, 20);
}

export function candidateLabel({ candidate }: Detection): string {
  return labelOf(candidate);
}

export function incumbentLabel({ incumbent }: Detection): string {
  return incumbent === null ? "the version before" : labelOf(incumbent);
}

/** Any version, by its number where it is known, else by its short hash. */
export function versionLabel({ candidate, incumbent }: Detection, version: string, number?: number): string {
  if (number !== undefined) return `v${number}`;
  const known = [candidate, incumbent].find((each) => each?.prompt_version === version);
  return known == null ? shortVersion(version) : labelOf(known);
}

/** Both versions with number and short hash; null where no version is meant, or the judge is. */
export function versionsText({ kind, candidate, incumbent }: Detection): string | null {
  if (candidate.prompt_version === "" || kind === "judge_drift") return null;
  const isAlone = incumbent === null || incumbent.prompt_version === candidate.prompt_version;
  return isAlone ? named(candidate) : `${named(candidate)} vs ${named(incumbent)}`;
}

function labelOf({ number, prompt_version }: Version): string {
  return number === undefined ? shortVersion(prompt_version) : `v${number}`;
}

function named(version: Version): string {
  const short = shortVersion(version.prompt_version);
  return version.number === undefined ? short : `v${version.number} ${short}`;
}
