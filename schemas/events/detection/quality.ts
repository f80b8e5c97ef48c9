/** Judged quality of a version fell: every number from which that follows. */
import { z } from "zod";
import { PROTECTED } from "../verdict.ts";
import { detectionFields, Impact, interval, MixEvidence, normal } from "./parts.ts";

const level = z.enum(["ticket", "page"]).describe("a ticket needs a tenth of the evidence of a page");

/** Judged conversations of both versions from the same hours. */
const PairedEvidence = z.object({
  incumbent: z.string(),
  pairs: z.number().int().nonnegative(),
  difference: z.number().min(-1).max(1).describe("mean old − new, score points; above 0 is worse"),
  log_deploy_e: z.number().nullable().describe("log e-value of a fall since the deploy, nats"),
  weight: z.number().describe("of the pairs as a stream of the detector"),
  log_detector: z.number().nullable(),
});

/** The regression detector: Shiryaev–Roberts over all traffic and every slice. */
const StreamsDetector = z.object({
  kind: z.literal("streams"),
  level,
  log_m: z.number(),
  log_threshold: z.number(),
  from: z.string(),
  start_weight: z.number(),
  alarm_hour: z.string(),
  hours_since_start: z.number(),
  units_until_alarm: z.number(),
  origin: z.enum(["deploy", "later"]),
  change_hour: z.string(),
  paired_silent: z.boolean().describe("the old version, called beside it, fell as well"),
  paired: PairedEvidence.nullable(),
  affected: z
    .array(z.string())
    .readonly()
    .describe("slices that fell, by e-BH; one that overlaps the cause is among them"),
  tempering: z.number(),
  misfits_expected: z.number(),
  streams: z
    .array(
      z.object({
        name: z.string(),
        weight: z.number(),
        log_detector: z.number().nullable(),
        log_deploy_e: z.number().nullable(),
        units: z.number(),
        score_sum: z.number(),
        expected_sum: z.number(),
      }),
    )
    .readonly(),
});

/** The same inputs, answered by both versions. */
const SameInputPairsDetector = z.object({
  kind: z.literal("same_input_pairs"),
  level,
  pairs: z.number().int().positive().describe("inputs judged under both versions; the sizes are about those"),
  log_e: z.number(),
  log_e_max: z.number(),
  pairs_at_max: z.number(),
  worse: z.number(),
  better: z.number(),
  difference_sum: z.number(),
  difference_square_sum: z.number(),
  log_threshold: z.number(),
  delta: z.number(),
  bets: z.array(z.number()).readonly(),
  tempering: z.number(),
  from: z.string(),
  start_weight: z.number(),
});

/** What is stored so that the end of the regression can be recognised. */
export const Damage = z.object({
  drop: z.number().describe("mean of baseline minus score over all units, score points"),
  slice: z
    .object({ name: z.string(), drop: z.number() })
    .nullable()
    .describe("the worst one; null when none was named"),
});
export type Damage = z.infer<typeof Damage>;

const Reference = z.object({
  versions: z.array(z.string()).readonly(),
  start: z.string(),
  end: z.string(),
  units: z.number().int().nonnegative().describe("judged, behind the baseline"),
  score_sum: z.number(),
  source: z.string().nullable(),
});

const Explanation = z.object({
  expected_mean: z.number().describe("what the baseline expects of these inputs"),
  seed: z.number(),
  p_heterogeneity: z.number().nullable().describe("null: there was no slice to compare"),
  explained_share: z.number().nullable(),
  units_needed: z
    .number()
    .positive()
    .nullable()
    .describe("judged until it is likely known where; null: no number would do"),
  mix: MixEvidence.nullable(),
});

const Cause = z.object({
  kind: z
    .enum(["own_change", "provider_change", "unknown"])
    .describe("whose change, going by deploys and by the models that the provider named"),
  changed_at: z.string().describe("estimate, good to about a day"),
  models_before: z.array(z.string()).readonly(),
  models_since: z.array(z.string()).readonly(),
});
export type Cause = z.infer<typeof Cause>;

export const JudgeCalibration = z.object({
  state: z.enum(["calibrated", "uncalibrated"]),
  reasons: z.array(z.string()).readonly(),
  labels: z.number().int().nonnegative(),
  labels_min: z.number().int().positive(),
  kappa: z
    .number()
    .nullable()
    .describe("agreement beyond chance, Cohen's κ; null without labels on both sides"),
  youden: z.number().nullable().describe("sensitivity + specificity − 1; null unless calibrated"),
  corrected: z
    .object({ effect: z.number(), interval })
    .nullable()
    .describe(
      "the effect on people's scale, if the judge errs alike on both versions; null unless calibrated, and for scores between 0 and 1",
    ),
});
export type JudgeCalibration = z.infer<typeof JudgeCalibration>;

/** Null: not known, as in an incident that was stored before the field was. */
export const QualityEvidence = z.object({
  measure: z.literal("quality"),
  snapshot_id: z.string().nullable().describe("of the frozen baseline"),
  reference: Reference.nullable().describe("what the version is held against"),
  candidate: z
    .object({ units: z.number(), score_sum: z.number(), effective_units: z.number() })
    .nullable()
    .describe("weighted by the inverse of the sampling rate"),
  units_watched: z.number().int().nonnegative().describe("judged since the watch began"),
  detector: z
    .discriminatedUnion("kind", [StreamsDetector, SameInputPairsDetector])
    .nullable()
    .describe("what raised the alarm"),
  explanation: Explanation.nullable().describe("where the change is"),
  cause: Cause.nullable(),
  damage: Damage.nullable(),
  impact: Impact.nullable(),
  protects: z.enum(PROTECTED).nullable().describe("what the guardrail is for; null for answers as such"),
  judge_calibration: JudgeCalibration.nullable().describe("how the judge agrees with people's labels"),
  people: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      "users of the calls since the change, in the slice that explains it; absent: none were reported",
    ),
  examples: z
    .array(
      z.object({
        call_id: z.string(),
        score: z.number(),
        before_call_id: z.string().nullable().describe("the incumbent's call with the same input"),
      }),
    )
    .readonly()
    .optional()
    .describe("judged calls to look at; their texts are in the store alone"),
  slice_intervals: z.record(z.string(), interval).describe("95% interval of `current`, by slice name"),
  success: z
    .array(
      z.object({
        prompt_version: z.string(),
        calls: z.number(),
        ok_calls: z.number(),
        latency_ms_p95: z.number(),
      }),
    )
    .readonly(),
  normal,
});
export type QualityEvidence = z.infer<typeof QualityEvidence>;

export const QualityDetection = z.object({
  kind: z.literal("quality"),
  ...detectionFields,
  evidence: QualityEvidence,
});
export type QualityDetection = z.infer<typeof QualityDetection>;
