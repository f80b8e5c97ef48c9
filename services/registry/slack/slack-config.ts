/** Environment of whoever takes the clicks of Slack: the registry, and local mode. */
import { httpUrl } from "@plumbline/runtime/process/process-config";
import { InvalidConfigError } from "@plumbline/runtime/variables/load-config";
import { z } from "zod";
import { readRoles } from "./slack-roles.ts";
import type { SlackActionsOptions } from "./slack-routes.ts";

export const SlackActionsConfig = z.object({
  PLUMBLINE_SLACK_SIGNING_SECRET: z
    .string()
    .regex(/^\S{16,}$/, "must be the signing secret that Slack shows for the app")
    .optional()
    .describe("signing secret of the Slack app: buttons of alerts are answered at `POST /slack/actions`"),
  PLUMBLINE_SLACK_ROLES: z
    .string()
    .transform((list, context) => {
      const roles = readRoles(list);
      if (roles !== null) return roles;
      context.addIssue({
        code: "custom",
        message: "must be address=viewer|responder|approver, comma-separated, each address once",
      });
      return z.NEVER;
    })
    .optional()
    .describe(
      "who may press: e-mail address=viewer, responder (acknowledges, snoozes, dismisses, notes) or approver (rolls back too), comma-separated; `*@example.com` for everybody else there",
    ),
  PLUMBLINE_SLACK_TOKEN: z
    .string()
    .optional()
    .describe("bot token; for buttons with scope `users:read.email`, which tells who pressed"),
  PLUMBLINE_SLACK_API_URL: httpUrl("https://slack.com/api/")
    .optional()
    .describe("base of the Slack API, with a slash at the end"),
});

/** Undefined: nobody takes clicks. @throws InvalidConfigError when a part is missing */
export function slackActionsOf(config: z.output<typeof SlackActionsConfig>): SlackActionsOptions | undefined {
  const {
    PLUMBLINE_SLACK_SIGNING_SECRET: signingSecret,
    PLUMBLINE_SLACK_ROLES: roles,
    PLUMBLINE_SLACK_TOKEN: token,
    PLUMBLINE_SLACK_API_URL: apiUrl,
  } = config;
  if (signingSecret === undefined && roles === undefined) return undefined;
  if (signingSecret === undefined || roles === undefined || token === undefined) {
    throw new InvalidConfigError(
      "invalid configuration:\n  PLUMBLINE_SLACK_SIGNING_SECRET, PLUMBLINE_SLACK_ROLES and PLUMBLINE_SLACK_TOKEN: buttons need all three, or set neither of the first two",
    );
  }
  return { signingSecret, roles, token, apiUrl };
}
