import { AccessConfig, IdentityConfig } from "@plumbline/access";
import { type ExamplesMode, isTimeZone } from "@plumbline/alerts";
import {
  ClickHouseConfig,
  httpUrl,
  KafkaConfig,
  KafkaGroupConfig,
  MetricsConfig,
  Port,
  ProcessConfig,
} from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** `true` and `false` are the words of before there was anything between. */
export const SlackExamples = z
  .enum(["off", "redacted", "full", "true", "false"])
  .default("off")
  .transform((value): ExamplesMode => (value === "true" ? "full" : value === "false" ? "off" : value))
  .describe(
    "what of customers' texts goes to Slack: `off`; `redacted`, examples without addresses, amounts and long numbers; `full`, examples and names as they are",
  );

/** Of the times in messages. */
export const TimeZone = z
  .string()
  .refine(isTimeZone, "a time zone such as Europe/Berlin")
  .default("UTC")
  .describe("time zone of the team that reads the alerts, such as Europe/Berlin");

/** Environment of the notifier. */
export const NotifierConfig = z
  .object({
    ...KafkaConfig.shape,
    ...KafkaGroupConfig.shape,
    PLUMBLINE_SLACK_TOKEN: z
      .string()
      .startsWith("xoxb-")
      .optional()
      .describe(
        "bot token; scopes `chat:write`, and `channels:history` (`groups:history` for a private channel) to find lost posts",
      ),
    PLUMBLINE_SLACK_CHANNEL: z
      .string()
      .regex(/^[CG][A-Z0-9]{6,}$/, "a channel id such as C012AB3CD, not a name")
      .optional()
      .describe("id of the channel that gets the alerts; the bot must be its member"),
    PLUMBLINE_SLACK_EXAMPLES: SlackExamples,
    PLUMBLINE_SLACK_API_URL: httpUrl("https://slack.com/api/")
      .optional()
      .describe("base of the Slack API with a slash at the end, where a proxy stands before it"),
    PLUMBLINE_INBOX_DIR: z
      .string()
      .min(1)
      .optional()
      .describe("folder of the inbox; without it there is no inbox"),
    PLUMBLINE_RUNBOOKS_URL: httpUrl("https://github.com/acme/runbooks")
      .transform(withoutSlash)
      .optional()
      .describe("folder of the runbooks, for links in messages"),
    PLUMBLINE_CONSOLE_URL: httpUrl("https://plumbline.example.com")
      .transform(withoutSlash)
      .optional()
      .describe("page for on-call, for links in messages"),
    PLUMBLINE_CLICKHOUSE_URL: ClickHouseConfig.shape.PLUMBLINE_CLICKHOUSE_URL.optional().describe(
      "ClickHouse, for the texts of examples; without it messages have none",
    ),
    PLUMBLINE_TIME_ZONE: TimeZone,
    PLUMBLINE_NOTIFIER_HOST: z.string().default("127.0.0.1").describe("address of the inbox page"),
    PLUMBLINE_NOTIFIER_PORT: Port.default(8086).describe("port of the inbox page; 0 picks a free one"),
    ...AccessConfig.shape,
    ...IdentityConfig.shape,
    ...MetricsConfig.shape,
    ...ProcessConfig.shape,
  })
  .superRefine((config, context) => {
    const {
      PLUMBLINE_SLACK_TOKEN: token,
      PLUMBLINE_SLACK_CHANNEL: channel,
      PLUMBLINE_INBOX_DIR: inbox,
    } = config;
    if ((token === undefined) !== (channel === undefined))
      context.addIssue("PLUMBLINE_SLACK_TOKEN and PLUMBLINE_SLACK_CHANNEL: set both, or neither");
    else if (token === undefined && inbox === undefined)
      context.addIssue(
        "PLUMBLINE_SLACK_TOKEN or PLUMBLINE_INBOX_DIR: without a channel nobody would be told",
      );
  });

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
