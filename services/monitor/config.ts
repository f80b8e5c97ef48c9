import { LogAndStoreConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** Environment of the monitor. */
export const MonitorConfig = z.object({
  PLUMBLINE_MONITOR_INTERVAL_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600)
    .default(60)
    .describe("from one look at quality, canaries and coverage to the next, seconds"),
  PLUMBLINE_MONITOR_MEASURES_INTERVAL_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600)
    .default(900)
    .describe("from one look at drift, fingerprints and rates to the next, seconds; they fold whole hours"),
  PLUMBLINE_MONITOR_ALPHA: z.coerce
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.05)
    .describe("1 − level of the intervals in an alert; they are for reading, the detector decides"),
  PLUMBLINE_MONITOR_FALSE_PAGES_PER_YEAR: z.coerce
    .number()
    .gt(0)
    .max(100)
    .default(1)
    .describe("bound on false pages of one use case in a year, however often anybody looks"),
  PLUMBLINE_MONITOR_TICKETS: z
    .enum(["on", "off"])
    .default("on")
    .describe("whether a tenth of the evidence of a page already makes a SEV3 incident"),
  PLUMBLINE_MONITOR_SLO: z.coerce
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe("absolute target of quality in [0,1], tested while a use case has no history; none when unset"),
  PLUMBLINE_PINNED_SLICES: z
    .string()
    .default("")
    .transform((list) =>
      list
        .split(",")
        .map((slice) => slice.trim())
        .filter((slice) => slice !== ""),
    )
    .describe(
      'slices that every baseline watches, with five times the weight of another; the writer has the same variable; comma-separated, predicates of a conjunction joined by " & "',
    ),
  PLUMBLINE_MONITOR_CANARY_MARGIN: z.coerce
    .number()
    .gt(0)
    .max(0.5)
    .default(0.03)
    .describe(
      "a canary is cleared once it is shown to be worse than the old version by less than this, in (0,1)",
    ),
  PLUMBLINE_MONITOR_CANARY_WINDOW_MINUTES: z.coerce
    .number()
    .int()
    .min(1)
    .max(60)
    .refine((minutes) => 60 % minutes === 0, "must divide 60, such as 60, 15, 5 or 1")
    .default(60)
    .describe(
      "conversations of both versions judged in the same window make pairs, and windows that ended decide; a divisor of 60, minutes",
    ),
});
export type MonitorConfig = z.output<typeof MonitorConfig>;

/** Variables of the monitor as a process of its own: those above, its log and its store. */
export const MonitorProcessConfig = z.object({
  ...MonitorConfig.shape,
  ...LogAndStoreConfig.shape,
});
