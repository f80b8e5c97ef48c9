/** What a drill found: each failure forced through an application's own code path, and which rung answered. */
import { z } from "zod";

/** What a drill forces. */
export const DRILL_BRANCHES = [
  "healthy",
  "timeout",
  "rate_limited",
  "server_error",
  "invalid_output",
  "breaker_open",
  "registry_down",
  "collector_down",
] as const;
export type DrillBranch = (typeof DRILL_BRANCHES)[number];

/** After this long a drill is no longer evidence, ms. */
export const DRILL_AGE_MS_MAX = 30 * 86_400_000;

export const DrillFinding = z.object({
  branch: z.enum(DRILL_BRANCHES),
  scope: z.enum(["primary", "every_model"]).describe("whether the fallback models fail as well"),
  passed: z.boolean(),
  expected_path: z
    .string()
    .nullable()
    .describe("by the policy; null when nothing is emitted, as with the collector down"),
  path: z.string().nullable().describe("rung that answered, by the emitted call; null without one"),
  attempts: z.number().int().nonnegative().describe("requests that reached the provider"),
  latency_ms: z.number().nonnegative().nullable().describe("of the call; null without one"),
  why: z.string().max(1_000).describe("what was wrong; empty when it passed"),
});
export type DrillFinding = z.infer<typeof DrillFinding>;

export const DrillReport = z.object({
  policy_hash: z.string().max(100).nullable().describe("of the policy that was executed; null for none"),
  prompt_version: z.string().max(100),
  started_at: z.iso.datetime({ offset: true }),
  findings: z.array(DrillFinding).min(1).max(50),
});
export type DrillReport = z.infer<typeof DrillReport>;

/** Body of `drill_recorded`. */
export const DrillRecordedBody = z.object({ report: DrillReport });
