/** What people call the versions of an incident. */
import type { Detection } from "@plumbline/schemas";
import { messageEvidence } from "./message-evidence.ts";
import { clip } from "./text.ts";

/** Short form of a content hash: its first 12 hex digits. */
export function shortVersion(promptVersion: string): string {
  const hex = /^sha256:([0-9a-f]{12})/.exec(promptVersion)?.[1];
  return hex ?? clip(promptVersion === "" ? "untagged" : promptVersion, 20);
}

export function candidateLabel(detection: Detection): string {
  return messageEvidence(detection).candidate_label ?? shortVersion(detection.candidate.prompt_version);
}

export function incumbentLabel(detection: Detection): string {
  const { incumbent } = detection;
  if (incumbent === null) return "the version before";
  return messageEvidence(detection).incumbent_label ?? shortVersion(incumbent.prompt_version);
}

/** Any version, by its label where the detection knows it, else by its short hash. */
export function versionLabel(detection: Detection, version: string): string {
  if (version === detection.candidate.prompt_version) return candidateLabel(detection);
  if (version === detection.incumbent?.prompt_version) return incumbentLabel(detection);
  return shortVersion(version);
}

/** Both versions with label and short hash. */
export function versionsText(detection: Detection): string {
  if (detection.incumbent === null) return candidateLabel(detection);
  return `${named(detection, "candidate")} vs ${named(detection, "incumbent")}`;
}

/** A text with whole content hashes replaced by what people call the versions. */
export function readable(detection: Detection, text: string): string {
  return text.replace(/sha256:[0-9a-f]{64}/g, (version) => versionLabel(detection, version));
}

function named(detection: Detection, side: "candidate" | "incumbent"): string {
  const label = side === "candidate" ? candidateLabel(detection) : incumbentLabel(detection);
  const short = shortVersion(detection[side]?.prompt_version ?? "");
  return label === short ? short : `${label} ${short}`;
}
