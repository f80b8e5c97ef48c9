/** A rate over all calls of a version got worse: success, latency, path mix, cost. */
import { z } from "zod";
import { detectionFields, Impact, interval, normal } from "./parts.ts";

const common = {
  at_deploy: z.boolean().describe("against the incumbent; false: against the version's own first weeks"),
  normal,
};

/** Of a share: a Shiryaev–Roberts e-detector over relative drops. */
const share = {
  ...common,
  null_mean: z.number().describe("the share that is still as good as before, in [0,1]"),
  eta: z.number().describe("tempering by how much the reference's hours vary, in (0,1]"),
  since: z.string().describe("hour in which the change began, about; UTC"),
  log_threshold: z.number(),
};

export const SuccessDetection = z.object({
  kind: z.literal("success"),
  ...detectionFields,
  evidence: z.object({ measure: z.literal("success_rate"), ...share, impact: Impact.nullable() }),
});

export const LatencyDetection = z.object({
  kind: z.literal("latency"),
  ...detectionFields,
  evidence: z.object({
    measure: z.literal("share_within"),
    ...share,
    threshold_ms: z.number().positive().describe("95th percentile of the reference, milliseconds"),
  }),
});

export const PathMixDetection = z.object({
  kind: z.literal("path_mix"),
  ...detectionFields,
  evidence: z.object({
    measure: z.literal("primary_share"),
    ...share,
    degraded_share: z
      .number()
      .nullable()
      .describe(
        "of calls since the change that got a fallback model, a stale answer, a template or an error",
      ),
  }),
});

export const CostDetection = z.object({
  kind: z.literal("cost"),
  ...detectionFields,
  evidence: z.discriminatedUnion("measure", [
    z.object({
      measure: z.literal("cached_prefix_share"),
      ...share,
      cached_tokens_min: z
        .number()
        .int()
        .positive()
        .optional()
        .describe("fewest tokens from the provider's cache that count; absent: half of the call's input"),
    }),
    z.object({
      measure: z.literal("uncached_prefix"),
      ...common,
      reason: z
        .enum(["under_minimum", "not_read"])
        .describe(
          "under_minimum: what never varies begins with too little; not_read: it is enough, and is not read",
        ),
      fixed_tokens: z.number().int().nonnegative().describe("about: before anything that varies"),
      all_fixed_tokens: z.number().int().nonnegative().describe("about: in all of the prompt"),
      minimum_tokens: z.number().int().positive().describe("fewest that the provider caches"),
    }),
    z.object({
      measure: z.literal("cost_per_call"),
      ...common,
      log_ratio: z.number().describe("of the geometric means, now over before"),
      log_ratio_interval: interval,
      rise_min: z.number().describe("smallest rise that counts, as a logarithm"),
    }),
  ]),
});

export type RateDetection = z.infer<
  typeof SuccessDetection | typeof LatencyDetection | typeof PathMixDetection | typeof CostDetection
>;
