/** Something is not known. Never says that quality fell. */
import { z } from "zod";
import { VERDICT_CAUSES } from "../verdict.ts";
import { detectionFields } from "./parts.ts";

const count = z.number().int().nonnegative();

/** Selected calls by what became of them; they add up to `sampled`. */
const states = {
  sampled: count,
  scored: count,
  cannot_judge: count,
  failed: count,
  expired: count,
  over_budget: count,
  unjudged: count,
  oldest_unjudged_at: z.string().nullable(),
};

/** What decided by whose clock hours are alike: the project, the traffic itself, or neither. */
const TimeZoneSource = z.enum(["config", "traffic", "default"]);
export type TimeZoneSource = z.infer<typeof TimeZoneSource>;

export const CoverageEvidence = z.discriminatedUnion("measure", [
  z.object({ measure: z.literal("judged_share"), ...states }).describe("selected calls wait for verdicts"),
  z
    .object({
      measure: z.literal("scored_share"),
      ...states,
      commonest_cause: z.enum(VERDICT_CAUSES).optional().catch(undefined),
    })
    .describe("verdicts come, and hold no score"),
  z.object({ measure: z.literal("verdict_count"), ...states }).describe("the states don't add up"),
  z.object({ measure: z.literal("sampled_calls"), calls: count, sampled: count }),
  z.object({
    measure: z.literal("traffic"),
    last_call_at: z.string(),
    silent_minutes: z.number().nonnegative(),
    usual_calls: z.number().nonnegative().describe("in hours of the week like those of the silence"),
    time_zone: z
      .string()
      .optional()
      .describe("by whose clock these hours are alike; absent while the use case is younger than a week"),
    time_zone_source: TimeZoneSource.optional(),
  }),
  z.object({
    measure: z.literal("known_versions"),
    calls: count,
    overflowing: count.describe("calls whose version is one too many on its day"),
    apps: z.array(z.string()).readonly().describe("that send them, the largest first"),
  }),
  z.object({
    measure: z.literal("known_use_cases"),
    calls: count.describe("whose use case is one too many on its day"),
    apps: z.array(z.string()).readonly().describe("that send them, the largest first"),
  }),
  z.object({
    measure: z.literal("job_runs"),
    jobs: z
      .array(z.object({ job: z.string(), error: z.string(), last_success_at: z.string().nullable() }))
      .readonly(),
  }),
  z.object({
    measure: z.literal("stored_share"),
    lost_records: count,
    partitions: z
      .array(
        z.object({
          topic: z.string(),
          log_partition: count,
          records: count,
          first_offset: count,
          last_offset: count,
          expired: count,
        }),
      )
      .readonly(),
  }),
]);
export type CoverageEvidence = z.infer<typeof CoverageEvidence>;

export const CoverageDetection = z.object({
  kind: z.literal("coverage"),
  ...detectionFields,
  evidence: CoverageEvidence,
});
export type CoverageDetection = z.infer<typeof CoverageDetection>;
