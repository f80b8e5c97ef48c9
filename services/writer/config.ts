import { LogAndStoreConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** Environment of the writer, in every mode. */
export const WriterConfig = z.object({
  PLUMBLINE_JUDGE_SAMPLE_RATIO: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe("share of conversations that are judged, in [0,1]"),
  PLUMBLINE_SAMPLING_EPOCH: z.string().min(1).default("1").describe("changing it draws a new sample"),
  PLUMBLINE_PINNED_SLICES: z
    .string()
    .default("")
    .transform((list) =>
      list
        .split(",")
        .map((slice) => slice.trim())
        .filter((slice) => slice !== ""),
    )
    .describe("slices of which ten conversations are judged every day, comma-separated"),
  PLUMBLINE_ADOPT_LOG: z
    .string()
    .min(1)
    .optional()
    .describe(
      "identity of a log to go on with beside the rows of another one; for one start, when the writer asks for it",
    ),
});
export type WriterConfig = z.output<typeof WriterConfig>;

/** What only the process of its own reads: where its log and store are. */
export const WriterProcessConfig = z.object({
  ...WriterConfig.shape,
  ...LogAndStoreConfig.shape,
});
