/**
 * The registry event: one command to the registry, as it lies in the one-partition registry topic.
 *
 * Registry state is a fold of this topic: every replica reads the commands in order and applies the same rules, so a
 * command with a stale `expected_revision` is rejected identically everywhere. `body` holds what the type needs; its
 * shapes are below.
 */
import { z } from "zod";
import { instant } from "../events/instant.ts";
import {
  ContentHash,
  EvalCaseResult,
  EvalRecord,
  GateOutcome,
  PromptDocumentBody,
  Ramp,
  UseCaseSettings,
} from "./registry-http.ts";
import { CanaryDecision } from "./registry-canary.ts";
import { RollbackIncident } from "../events/detection/parts.ts";

const REGISTRY_EVENT_TYPES = [
  "version_registered",
  "promoted",
  "rolled_back",
  "quarantined",
  "eval_recorded",
  "eval_cases",
  "approved",
  "policy_set",
  "rollout_advanced",
  "canary_read",
  "drill_recorded",
  "model_switched",
  "automation_set",
] as const;
export type RegistryEventType = (typeof REGISTRY_EVENT_TYPES)[number];

export const RegistryEvent = z.object({
  event_id: z.string().describe("made once per command; a second record with the same id changes nothing"),
  use_case: z.string().describe("empty for what concerns the whole fleet of an environment"),
  env: z
    .string()
    .describe("empty for what concerns every environment: versions, evals, approvals, quarantines"),
  type: z.enum(REGISTRY_EVENT_TYPES),
  expected_revision: z
    .number()
    .int()
    .nonnegative()
    .describe(
      "revision of the use case and env that the author saw; compared by commands that move what is live",
    ),
  prompt_version: z.string().nullable(),
  actor: z.string(),
  reason: z.string(),
  at: instant.describe("ISO 8601 UTC"),
  body: z.record(z.string(), z.unknown()).describe("what the type needs: prompt, weight, eval record"),
});
export type RegistryEvent = z.infer<typeof RegistryEvent>;

export const VersionRegisteredBody = z.object({
  document: PromptDocumentBody,
  author: z.string().min(1).describe("who wrote it; may not approve it"),
  commit: z.string().nullable(),
  settings: UseCaseSettings.nullable().describe("null leaves the use case's settings as they are"),
});

export const EvalRecordedBody = z.object({
  record: EvalRecord,
  decision: GateOutcome,
  parts: z.number().int().nonnegative().default(0).describe("eval_cases events with further cases"),
});

/**
 * EvalCasesBody holds the cases that the record of an eval has no room for: a record of the log has a largest size. The
 * parts stand before the `eval_recorded` that they belong to, whose own cases come first.
 */
export const EvalCasesBody = z.object({
  eval_event_id: z.string().describe("event_id of the eval_recorded"),
  part: z.number().int().positive().describe("counts from 1"),
  candidate: z.array(EvalCaseResult),
  incumbent: z.array(EvalCaseResult),
});
export type EvalCasesBody = z.infer<typeof EvalCasesBody>;

export const PromotedBody = z.object({
  weight: z.number().gt(0).max(1).describe("share of conversations; 1 moves the pointer, less is a canary"),
  is_bypass: z.boolean().describe("the gate was overridden, for the event's reason"),
  ramp: Ramp.optional().describe("begins a rollout; weight is its first step"),
});

export const RolloutAdvancedBody = z.object({
  step: z.number().int().positive().describe("index in the rollout's steps to go to: the next one"),
  decision: CanaryDecision.nullable().describe(
    "what justified it; null when a person did, for the event's reason",
  ),
});

export const RolledBackBody = z.object({
  from: ContentHash.nullable().describe("the bad version; null: what is newest in production"),
  to: ContentHash.nullable().describe("null: the last good version before it"),
  decision: CanaryDecision.nullable()
    .default(null)
    .describe("of a rollout, that justified it; null when nothing of the kind did"),
  incident: RollbackIncident.nullable()
    .default(null)
    .describe("that justified it; with neither, a person did, for the event's reason"),
});

export const PolicySetBody = z.object({
  policy_hash: ContentHash,
  policy: z.record(z.string(), z.json()).describe("a parsed policy file"),
});
export type PolicyDocument = z.infer<typeof PolicySetBody>["policy"];
