/** Inputs or answers moved. Says nothing about quality. */
import { z } from "zod";
import { detectionFields, interval, MixEvidence, normal } from "./parts.ts";

const Bins = z.object({
  names: z.array(z.string()).readonly(),
  reference: z
    .array(z.number())
    .readonly()
    .describe("rows of each bin; fractional where reweighted to another mix"),
  current: z.array(z.number()).readonly(),
});

const NumericSizes = z.object({
  mean_before: z.number(),
  mean_after: z.number(),
  ks: z.number().describe("largest difference of the distribution functions, in [0,1]"),
  wasserstein_per_iqr: z.number().nullable().describe("null when half of the reference is equal"),
});

const common = {
  tau: z.number().describe("a move up to here is usual, in the metric's unit"),
  level: z.number().describe("of the detector"),
  normal,
};

const inputs = {
  ...common,
  p_value: z.number(),
  reference_window: z.object({ start: z.string(), end: z.string() }).nullable(),
  jensen_shannon: z.number().nullable(),
  bins: Bins.nullable(),
  top_bins: z.array(z.string()).readonly(),
  features_watched: z.number().int().nonnegative(),
  features: z
    .array(z.object({ feature: z.string(), size: z.number(), level: z.number() }))
    .readonly()
    .describe("that moved, the clearest first"),
  explanation: z
    .object({ criterion: z.string(), mix: MixEvidence })
    .nullable()
    .describe("what the shift did to judged quality; null when too little was judged"),
};

const before = z.number().describe("share of calls, in [0,1]");

export const InputDriftEvidence = z.discriminatedUnion("measure", [
  z.object({ measure: z.literal("input_slice"), ...inputs, before, after: before }),
  z.object({
    measure: z.literal("input_topic"),
    ...inputs,
    topic: z.number().int().positive(),
    before: z.number().describe("share of texts, in [0,1]"),
    after: z.number(),
  }),
  z.object({ measure: z.literal("input_number"), ...inputs, sizes: NumericSizes.nullable() }),
  z.object({
    measure: z.literal("input_text"),
    ...inputs,
    auc: z.number().describe("of a classifier that tells the texts from those before; 0.5: it can't"),
    auc_interval: interval,
    documents: z.number().int().nonnegative(),
    ngrams: z
      .array(z.object({ ngram: z.string(), weight: z.number() }))
      .readonly()
      .describe("that tell them apart"),
  }),
]);
export type InputDriftEvidence = z.infer<typeof InputDriftEvidence>;

export const InputDriftDetection = z.object({
  kind: z.literal("input_drift"),
  ...detectionFields,
  evidence: InputDriftEvidence,
});
export type InputDriftDetection = z.infer<typeof InputDriftDetection>;

const ModelShares = z.record(z.string(), z.number());

export const OutputDriftDetection = z.object({
  kind: z.literal("output_drift"),
  ...detectionFields,
  evidence: z.object({
    measure: z.literal("output_feature"),
    ...common,
    at_deploy: z.boolean().describe("against the incumbent; false: against the version's own past"),
    slice: z.string().nullable().describe("of the inputs, where it is clearest; null: in all traffic"),
    sizes: NumericSizes.nullable(),
    bins: Bins.nullable(),
    jensen_shannon: z.number().nullable(),
    streams_watched: z.number().int().nonnegative(),
    features: z
      .array(z.object({ feature: z.string(), slice: z.string().nullable(), size: z.number() }))
      .readonly()
      .describe("that moved, the clearest first"),
    response_models: z
      .object({
        before: ModelShares,
        after: ModelShares,
        moved_share: z.number(),
        has_changed: z.boolean(),
      })
      .nullable()
      .describe("shares of calls by the model that the provider named, the last day against the one before"),
  }),
});
export type OutputDriftDetection = z.infer<typeof OutputDriftDetection>;
