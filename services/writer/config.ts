import { z } from "zod";

/** Environment of the writer. */
export const WriterConfig = z.object({
  PLUMBLINE_JUDGE_SAMPLE_RATIO: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe("share of conversations that are judged, in [0,1]"),
  PLUMBLINE_SAMPLING_EPOCH: z.string().min(1).default("1").describe("changing it draws a new sample"),
});
export type WriterConfig = z.output<typeof WriterConfig>;
