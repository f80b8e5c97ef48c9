import { z } from "zod";
import type { Detection } from "@plumbline/schemas";

const interval = z.tuple([z.number(), z.number()]);

/**
 * What a message can use of a detection's free-form `evidence`. Every key is optional, and one that does not
 * parse counts as absent: an alert is never lost over its decoration.
 */
const KEYS = {
  candidate_label: z.string().min(1).max(40).describe("number of the version, such as v15"),
  incumbent_label: z.string().min(1).max(40),
  owner: z.string().min(1).max(100),
  slice_intervals: z.record(z.string(), interval).describe("95% interval of `current`, by slice name"),
  cause: z
    .object({
      kind: z.enum(["own_change", "provider_change", "unknown"]),
      changed_at: z.string().describe("estimate, good to about a day"),
      models_before: z.array(z.string()),
      models_since: z.array(z.string()),
    })
    .describe("whose change it was, going by deploys and by the models that the provider named"),
  detector: z
    .object({
      paired_silent: z.boolean().catch(false).describe("the old version, called beside it, fell as well"),
      affected: z
        .array(z.string().min(1))
        .catch([])
        .describe("slices that fell, by e-BH; one that overlaps the cause is among them"),
      paired: z
        .object({
          incumbent: z.string(),
          pairs: z.number().int().min(0),
          log_deploy_e: z
            .number()
            .nullable()
            .catch(null)
            .describe("log e-value of a fall since the deploy, nats"),
          difference: z
            .number()
            .min(-1)
            .max(1)
            .nullable()
            .describe("mean old − new, score points; above 0 is worse"),
        })
        .nullable()
        .catch(null)
        .describe("conversations of both versions from the same hours"),
    })
    .describe("what raised the alarm"),
  same_inputs: z
    .number()
    .int()
    .positive()
    .describe("inputs that both versions answered; the sizes are about those"),
  reference: z
    .object({ units: z.number().int().min(0).describe("judged, behind the baseline") })
    .describe("what the version is held against"),
  explanation: z
    .object({
      p_heterogeneity: z.number().nullish().catch(undefined).describe("null: there was no slice to compare"),
      expected_mean: z
        .number()
        .optional()
        .catch(undefined)
        .describe("what the baseline expects of these inputs"),
      units_needed: z
        .number()
        .positive()
        .nullish()
        .catch(undefined)
        .describe("judged until it is likely known where; null: no number would do"),
      mix: z
        .object({
          total: z.number().describe("change of the mean score"),
          mix: z.number().describe("what other inputs alone would have done"),
          within: z.number().describe("what changed inside the slices"),
          se_mix: z.number(),
          se_within: z.number(),
          input_shift: z.boolean().describe("the inputs did more than what changed inside the slices"),
          shifts: z
            .array(z.object({ name: z.string(), before: z.number(), after: z.number() }))
            .min(1)
            .describe("share of calls in the slices that moved, in [0,1]"),
        })
        .nullish()
        .catch(null)
        .describe("Kitagawa's decomposition of a change of quality over slices"),
    })
    .describe("where the change is"),
  judge_calibration: z
    .object({
      state: z.enum(["calibrated", "uncalibrated"]),
      reasons: z.array(z.string()),
      labels: z.number().int().min(0),
      labels_min: z.number().int().positive(),
      kappa: z.number().nullable(),
      corrected: z.object({ effect: z.number(), interval }).nullable(),
    })
    .describe("how the judge agrees with people's labels, and the effect on their scale"),
  normal: z
    .array(
      z.object({
        name: z.string().describe("success rate, p95 latency, input drift"),
        value: z.number(),
        unit: z.enum(["share", "ms", "usd", "index"]),
        interval,
        n: z.number().int().positive(),
      }),
    )
    .max(10)
    .describe("what was looked at and did not change"),
} as const;

export type MessageEvidence = { readonly [Key in keyof typeof KEYS]?: z.output<(typeof KEYS)[Key]> };

export function messageEvidence(detection: Detection): MessageEvidence {
  const entries = Object.entries(KEYS).flatMap(([key, schema]) => {
    const parsed = schema.safeParse(detection.evidence[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(entries) as MessageEvidence;
}
