import type { IncidentState } from "../incident/incident-state.ts";

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
