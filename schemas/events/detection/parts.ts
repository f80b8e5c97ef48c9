/** What detections of every kind are made of. */
import { z } from "zod";
import { instant } from "../instant.ts";

const SEVERITIES = ["SEV1", "SEV2", "SEV3"] as const;

export const interval = z.tuple([z.number(), z.number()]).readonly();

/**
 * share: in [0,1]. usd: US dollars. psi: population stability index, nats, 0 when nothing moved. auc: area under the curve
 * minus 0.5, 0 when nothing tells two samples apart. calls: a count of them.
 */
const UNITS = ["share", "usd", "psi", "auc", "calls"] as const;

/** What was measured, as the job that measured it says. Readers take the unit from here and never from the name. */
const Metric = z.object({
  name: z.string().describe("part of the incident's identity: criterion, feature or quantity"),
  unit: z.enum(UNITS).describe("of every mean, of the effect and of its interval"),
  label: z.string().describe("for people, as the subject of a sentence, such as calls within 1,810 ms"),
});

const VersionEvidence = z.object({
  prompt_version: z.string().describe("empty when no version is meant; the judge in judge_drift"),
  number: z.number().int().positive().optional().describe("of the version in the registry: v<number>"),
  units: z.number().int().nonnegative().describe("judged conversations"),
  calls: z.number().int().nonnegative(),
  mean: z.number().describe("in the metric's unit"),
  interval,
});

/** What serves, or judges, once an incident is over or about to be. */
export const RecoveryEvidence = VersionEvidence.extend({
  mean: VersionEvidence.shape.mean.nullable().describe("in the metric's unit; null when it was not measured"),
  interval: interval.nullable(),
});
export type RecoveryEvidence = z.infer<typeof RecoveryEvidence>;

const SliceEvidence = z.object({
  name: z.string(),
  units: z.number().int(),
  reference: z.number().describe("mean of the incumbent inside the slice"),
  current: z.number().describe("mean of the candidate inside the slice"),
  share_of_traffic: z.number(),
  share_of_drop: z.number(),
});

/** A quantity that was looked at and is as before. */
export const NormalMeasure = z.object({
  name: z.string().describe("for people, such as success rate"),
  value: z.number(),
  unit: z.enum(["share", "psi"]),
  interval: interval.describe("95%"),
  n: z.number().int().positive(),
});
export type NormalMeasure = z.infer<typeof NormalMeasure>;

export const normal = z.array(NormalMeasure).readonly().describe("what was looked at and did not change");

/** Calls that went wrong and would not have with the version before, of the last 24 hours. */
export const Impact = z.object({
  degraded_calls: z.number().nonnegative().describe("estimate: the effect times the calls since the change"),
  day_calls: z.number().int().nonnegative().describe("of the use case, all versions, in the same 24 hours"),
});
export type Impact = z.infer<typeof Impact>;

/** Kitagawa's decomposition of a change of quality over slices. */
export const MixEvidence = z.object({
  total: z.number().describe("change of the mean score"),
  mix: z.number().describe("what other inputs alone would have done"),
  within: z.number().describe("what changed inside the slices"),
  se_mix: z.number(),
  se_within: z.number(),
  input_shift: z.boolean().describe("the inputs did more than what changed inside the slices"),
  shifts: z
    .array(z.object({ name: z.string(), before: z.number(), after: z.number() }))
    .readonly()
    .describe("share of calls in the slices that moved, in [0,1]"),
});
export type MixEvidence = z.infer<typeof MixEvidence>;

/** Changed lines of a prompt that a detection carries, and how long each may be. */
export const CHANGED_LINES_MAX = 12;
export const CHANGED_LINE_LENGTH_MAX = 240;

/** What the candidate's prompt changed against the incumbent's, by the registry. */
export const PromptChange = z.object({
  author: z.string(),
  commit: z.string().nullable(),
  is_same: z.boolean().describe("the two prompts are equal"),
  fields: z.array(z.string()).readonly().describe("names that changed beside the texts, such as model"),
  lines_added: z.number().int().nonnegative(),
  lines_removed: z.number().int().nonnegative(),
  lines: z
    .array(z.object({ op: z.enum(["added", "removed"]), text: z.string() }))
    .readonly()
    .describe(`the first ${CHANGED_LINES_MAX} changed lines`),
});
export type PromptChange = z.infer<typeof PromptChange>;

/** Words that a use case's configuration gives for its alerts. */
export const AlertLabels = z
  .object({
    requests: z
      .string()
      .min(1)
      .max(60)
      .describe("what its users send, in the plural, such as tickets; default requests"),
    slices: z
      .record(z.string().max(200), z.string().min(1).max(120))
      .describe('what stands after that, by slice name: `{"tier=enterprise": "of enterprise customers"}`'),
  })
  .partial();
export type AlertLabels = z.infer<typeof AlertLabels>;

/** Of detections of every kind. */
export const detectionFields = {
  severity: z.enum(SEVERITIES),
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  owner: z.string().optional().describe("of the use case, by the registry"),
  change: PromptChange.optional().describe("absent where the registry does not hold both prompts"),
  labels: AlertLabels.optional().describe("of the use case, by the registry"),
  metric: Metric,
  is_guardrail: z.boolean(),
  candidate: VersionEvidence,
  incumbent: VersionEvidence.nullable().describe("null when nothing is compared, as in coverage"),
  effect: z.number().describe("candidate minus incumbent, in the metric's unit"),
  interval: interval.describe("of the effect"),
  level: z.number().describe("1 − alpha of the intervals, valid however often anybody looks"),
  method: z.string().describe("name of the procedure that decided, for people"),
  judge: z.string().nullable(),
  rubric_hash: z.string().nullable(),
  window: z.object({ start: z.string(), end: z.string() }).describe("half-open, event time, UTC"),
  version_started_at: instant.nullable().describe("first call of the candidate"),
  slices: z.array(SliceEvidence).readonly(),
  verdict: z.enum(["DISTRIBUTIONAL", "MIXED", "UNIFORM", "INCONCLUSIVE"]).nullable(),
};

/** The incident behind a rollback that no person asked for, with the numbers that decided. */
export const RollbackIncident = z.object({
  incident_id: z.string().min(1).max(100),
  criterion: z.string().min(1).max(200),
  effect: z.number().describe("candidate minus incumbent, score points"),
  interval: z.tuple([z.number(), z.number()]).describe("of the effect"),
  judge: z.string().max(200).nullable(),
  labels: z.number().int().nonnegative().describe("of people, by which the judge is calibrated"),
});
export type RollbackIncident = z.infer<typeof RollbackIncident>;
