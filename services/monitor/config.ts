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
});
export type MonitorConfig = z.output<typeof MonitorConfig>;
