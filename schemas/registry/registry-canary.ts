/** What the monitor reads of two versions that run side by side, as it lies in the registry topic. */
import { z } from "zod";
import { instant } from "../events/instant.ts";

/** Pairs of one criterion; every number from which the state follows. */
export const CanarySeries = z.object({
  criterion: z.string(),
  rubric_hash: z.string(),
  judge: z.string(),
  is_guardrail: z.boolean(),
  units_old: z.number().int().nonnegative().describe("judged since the step began"),
  units_new: z.number().int().nonnegative().describe("judged since the step began"),
  pairs: z.number().int().nonnegative().describe("of the step's hours that ended"),
  difference: z.number().nullable().describe("mean of old minus new over these pairs; null without any"),
  log_e_cleared: z
    .number()
    .describe("nats, that the new version is worse by less than the margin; of the step"),
  log_e_worse: z
    .number()
    .describe("nats, that the new version is worse by more than delta; ended hours since it got a share"),
  log_e_worse_now: z.number().describe("the same with the hour that still runs"),
  pairs_now: z.number().int().nonnegative().describe("pairs behind log_e_worse_now"),
  eta: z.number().describe("tempering of the evidence, from the clumping of verdicts; 1: none"),
  pairs_needed: z
    .number()
    .int()
    .nonnegative()
    .describe("about how many more until an unchanged version is cleared"),
});
export type CanarySeries = z.infer<typeof CanarySeries>;

export const CanaryDecision = z.object({
  state: z.enum(["WATCHING", "CLEARED", "REGRESSED"]),
  why: z.string().describe("a sentence: what decided, or what is waited for"),
  waits_for: z.enum(["traffic", "evidence", "person"]).nullable().describe("null when decided"),
  step_offset: z
    .number()
    .int()
    .nonnegative()
    .describe("offset of the command that gave the share; readings of an earlier step are refused"),
  started_at: instant.describe("when the candidate first got a share, ISO 8601 UTC"),
  step_at: instant.describe("when it got this share"),
  read_at: instant,
  incumbent: z.string().nullable().describe("the other arm; null when none was judged"),
  share: z.number().nullable().describe("the candidate's of the last hour's calls; null without calls"),
  units: z.number().int().nonnegative().describe("judged in pairs since the step began"),
  units_needed: z.number().int().nonnegative().describe("about how many more; 0 when decided"),
  margin: z.number().describe("drop that a cleared version is shown to stay below, in [0,1]"),
  delta: z.number().describe("drop below which nothing is called worse, in [0,1]"),
  incident_id: z.string().nullable().describe("open page about the candidate"),
  series: z.array(CanarySeries).describe("those that decide: the guardrails, or all when there are none"),
});
export type CanaryDecision = z.infer<typeof CanaryDecision>;

/** Body of `canary_read`. */
export const CanaryReadBody = z.object({ decision: CanaryDecision });
