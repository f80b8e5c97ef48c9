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
    .object({ paired_silent: z.boolean().describe("the old version, called beside it, fell as well") })
    .describe("what raised the alarm"),
  same_inputs: z
    .number()
    .int()
    .positive()
    .describe("inputs that both versions answered; the sizes are about those"),
  explanation: z
    .object({
      mix: z.object({
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
      }),
    })
    .describe("Kitagawa's decomposition of a change of quality over slices"),
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
