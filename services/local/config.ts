import { z } from "zod";
import { JudgeChoiceConfig, JudgeConfig } from "../judge/config.ts";
import { MonitorConfig } from "../monitor/config.ts";
import { WriterConfig } from "../writer/config.ts";

/** Environment of local mode: that of the services it runs, and the choice of judge and channel. */
export const LocalConfig = z.object({
  ...WriterConfig.shape,
  ...JudgeConfig.shape,
  ...JudgeChoiceConfig.shape,
  ...MonitorConfig.shape,
  PLUMBLINE_MONITOR_CRON: z
    .string()
    .default("*/5 * * * * *")
    .describe("when the jobs run: cron expression with seconds, UTC"),
  PLUMBLINE_SLACK_TOKEN: z.string().optional().describe("bot token; unset: the inbox page alone"),
  PLUMBLINE_SLACK_CHANNEL: z.string().optional().describe("channel id"),
  PLUMBLINE_SLACK_API_URL: z.url().optional().describe("base of the Slack API, with a slash at the end"),
  PLUMBLINE_LOG_LEVEL: z
    .enum(["error", "warn", "info", "debug"])
    .default("warn")
    .describe("least severe level logged"),
  PLUMBLINE_DRAIN_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(20_000)
    .describe("longest wait at shutdown, ms"),
});
export type LocalConfig = z.output<typeof LocalConfig>;
