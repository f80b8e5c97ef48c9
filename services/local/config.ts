import { httpUrl, LogLevel, ProcessConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";
import { JudgeChoiceConfig, JudgeConfig } from "../judge/config.ts";
import { MonitorConfig } from "../monitor/config.ts";
import { SlackExamples, TimeZone } from "../notifier/config.ts";
import { AutomationConfig } from "../policy/config.ts";
import { SlackActionsConfig } from "../registry/slack/slack-config.ts";
import { WriterConfig } from "../writer/config.ts";

/** Environment of local mode: that of the services it runs, and the choice of judge and channel. */
export const LocalConfig = z.object({
  ...WriterConfig.shape,
  ...JudgeConfig.shape,
  ...JudgeChoiceConfig.shape,
  ...MonitorConfig.shape,
  ...AutomationConfig.shape,
  ...SlackActionsConfig.shape,
  PLUMBLINE_MONITOR_INTERVAL_SECONDS: MonitorConfig.shape.PLUMBLINE_MONITOR_INTERVAL_SECONDS.default(
    5,
  ).describe(MonitorConfig.shape.PLUMBLINE_MONITOR_INTERVAL_SECONDS.description ?? ""),
  PLUMBLINE_LOG_RESERVE_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      "free space on the log's disk below which nothing is accepted; default 5 % of it, at most 1 GiB",
    ),
  PLUMBLINE_SLACK_TOKEN: z.string().optional().describe("bot token; unset: the inbox page alone"),
  PLUMBLINE_SLACK_CHANNEL: z.string().optional().describe("channel id"),
  PLUMBLINE_SLACK_EXAMPLES: SlackExamples,
  PLUMBLINE_TIME_ZONE: TimeZone,
  PLUMBLINE_SLACK_API_URL: httpUrl("https://slack.com/api/")
    .optional()
    .describe("base of the Slack API, with a slash at the end"),
  ...ProcessConfig.shape,
  PLUMBLINE_LOG_LEVEL: LogLevel.default("warn").describe("least severe level that is logged"),
});
export type LocalConfig = z.output<typeof LocalConfig>;
