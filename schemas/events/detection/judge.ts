/** The judge disagrees with its frozen verdicts on answers that did not change. */
import { z } from "zod";
import { detectionFields } from "./parts.ts";

export const JudgeDriftDetection = z.object({
  kind: z.literal("judge_drift"),
  ...detectionFields,
  evidence: z.object({
    measure: z.literal("judge_agreement"),
    null_mean: z.number().describe("agreement that is still as good as before, in [0,1]"),
    log_level: z.number().describe("of the detector, nats"),
  }),
});
