/**
 * What concerns all applications of a tenant in one environment, its fleet: models that they leave out while a provider
 * fails, and whether the policy service acts.
 */
import { z } from "zod";

/** As prompts and policies name it, such as `openai/gpt-5-mini`. */
export const ModelName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, "must be a model as policies name it, such as openai/gpt-5-mini, without spaces");

/** Attempts with one model over the fleet, and what decided. */
export const ModelEvidence = z.object({
  window_ms: z.number().int().positive().describe("the attempts are of this long before the decision"),
  attempts: z.number().int().positive(),
  failures: z.number().int().nonnegative().describe("timeouts, 429, 5xx and connections that broke"),
  failure_rate: z.tuple([z.number(), z.number()]).describe("99% interval of the share of failures"),
  emitters: z.number().int().positive().describe("processes that made them"),
  emitters_failing: z.number().int().nonnegative().describe("of them, where most attempts failed"),
});
export type ModelEvidence = z.infer<typeof ModelEvidence>;

export const ModelSwitchedBody = z.object({
  model: ModelName,
  is_off: z.boolean(),
  evidence: ModelEvidence.nullable().describe(
    "what justified it; null when a person did, for the event's reason",
  ),
});

export const AutomationSetBody = z.object({ is_paused: z.boolean() });
