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
    PLUMBLINE_SLACK_BUTTONS: z
      .enum(["true", "false"])
      .default("false")
      .transform((value) => value === "true")
      .describe(
        "`true` puts buttons on alerts; the registry takes the clicks, `PLUMBLINE_SLACK_SIGNING_SECRET` there",
      ),
    PLUMBLINE_SLACK_API_URL: httpUrl("https://slack.com/api/")
      .optional()
      .describe("base of the Slack API with a slash at the end, where a proxy stands before it"),
    PLUMBLINE_WEBHOOK_URL: httpUrl("https://hooks.example.com/plumbline")
      .optional()
      .describe("address that gets every alert as signed JSON"),
    PLUMBLINE_WEBHOOK_SECRET: z
      .string()
      .min(16, "must have at least 16 characters")
      .optional()
      .describe("shared with the receiver of PLUMBLINE_WEBHOOK_URL, who checks the signature by it"),
    PLUMBLINE_PAGERDUTY_KEY: z
      .string()
      .regex(/^[A-Za-z0-9]{20,64}$/, "must be the integration key of a service")
      .optional()
      .describe("integration key of a PagerDuty service, Events API v2: every incident is an alert there"),
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
      PLUMBLINE_WEBHOOK_URL: webhook,
      PLUMBLINE_WEBHOOK_SECRET: secret,
      PLUMBLINE_PAGERDUTY_KEY: pagerDuty,
    } = config;
    if ((webhook === undefined) !== (secret === undefined))
      context.addIssue("PLUMBLINE_WEBHOOK_URL and PLUMBLINE_WEBHOOK_SECRET: set both, or neither");
    if ((token === undefined) !== (channel === undefined))
      context.addIssue("PLUMBLINE_SLACK_TOKEN and PLUMBLINE_SLACK_CHANNEL: set both, or neither");
    else if ([token, inbox, webhook, pagerDuty].every((each) => each === undefined))
      context.addIssue(
        "PLUMBLINE_SLACK_TOKEN, PLUMBLINE_INBOX_DIR, PLUMBLINE_WEBHOOK_URL or PLUMBLINE_PAGERDUTY_KEY: without a channel nobody would be told",
      );
  });

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
