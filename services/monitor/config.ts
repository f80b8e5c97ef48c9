import { z } from "zod";

/** Environment of the monitor. */
export const MonitorConfig = z.object({
  PLUMBLINE_MONITOR_CRON: z
    .string()
    .default("0 * * * * *")
    .describe("when the jobs run: cron expression with seconds, UTC"),
  PLUMBLINE_MONITOR_ALPHA: z.coerce
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.01)
    .describe("chance of a false alarm over the life of one version of one use case"),
  PLUMBLINE_MONITOR_MARGIN: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe("smallest drop worth an alert, score points in [0,1]"),
});
export type MonitorConfig = z.output<typeof MonitorConfig>;
