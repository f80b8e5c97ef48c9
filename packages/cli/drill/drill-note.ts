import { DRILL_AGE_MS_MAX } from "@plumbline/schemas";
import type { EnvSummary } from "../registry/answers.ts";
import { ago } from "../text/spoken.ts";

/** What is wrong with the evidence that a policy works; null when nothing is, or nothing is promised. */
export function drillNote({ policy_hash, live, drill }: EnvSummary, now: number): string | null {
  if (policy_hash === null || live.length === 0) return null;
  if (drill === null) return "its policy was never rehearsed";
  const { at, report } = drill;
  const failed = report.findings.filter(({ passed }) => !passed).map(({ branch }) => branch);
  if (failed.length > 0) return `its drill failed ${ago(at, now)} (${[...new Set(failed)].join(", ")})`;
  if (report.policy_hash !== policy_hash) return `its policy changed since its drill ${ago(at, now)}`;
  if (now - Date.parse(at) > DRILL_AGE_MS_MAX) return `its newest drill is from ${ago(at, now)}`;
  return null;
}
