/** What a message offers next: the command that takes a version back, and the runbook, one page a kind of detection. */
import type { Message } from "@plumbline/ports";
import type { DetectionKind } from "@plumbline/schemas";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { IncidentState } from "../incident/incident-state.ts";

/** The runbook of each kind of detection: `<name>.md`. */
export const RUNBOOKS = {
  quality: "quality-regression",
  input_drift: "input-drift",
  output_drift: "output-drift",
  latency: "latency",
  cost: "cost",
  success: "success-rate",
  path_mix: "path-mix",
  coverage: "coverage",
  judge_drift: "judge-drift",
} as const satisfies Record<DetectionKind, string>;

/** What intervals, counts and the judge's agreement mean. */
export const READING_PAGE = "reading-an-alert";

/** @param url of the folder, without a slash at the end; null: no links */
export function runbookLinks(kind: DetectionKind, url: string | null): Message["links"] {
  if (url === null) return [];
  return [
    { label: "Runbook", url: `${url}/${RUNBOOKS[kind]}.md` },
    { label: "How to read this", url: `${url}/${READING_PAGE}.md` },
  ];
}

/** Folder of the runbooks on this machine, the same from source and from a build. */
export function runbooksDir(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@plumbline/alerts/package.json")), "runbooks");
}

/**
 * rollbackCommand returns the command line that takes the blamed version back; null where the registry does not know both
 * versions and would refuse it.
 */
export function rollbackCommand({
  incident_id,
  detection: { use_case, env, candidate, incumbent },
}: Pick<IncidentState, "incident_id" | "detection">): string | null {
  if (candidate.number === undefined || incumbent?.number === undefined) return null;
  return [
    "npx @plumbline/cli rollback",
    shellWord(use_case),
    ...(env === "production" ? [] : [`--env ${shellWord(env)}`]),
    `--to v${incumbent.number}`,
    `--reason ${shellWord(incident_id)}`,
  ].join(" ");
}

/** A word that a shell takes as it is. */
function shellWord(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
