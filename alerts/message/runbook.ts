import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Detection } from "@plumbline/schemas";

/** The runbook of each kind of detection: `alerts/runbooks/<name>.md`. */
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
} as const satisfies Record<Detection["kind"], string>;

/** Folder of the runbooks on this machine, the same from source and from a build. */
export function runbooksDir(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@plumbline/alerts/package.json")), "runbooks");
}
