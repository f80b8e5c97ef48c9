/** The notifier as a process of its own: incidents from Kafka, messages to Slack and, if wanted, to an inbox page. */
import { createSessions, openAccess, sessionRoutes, withIdentity, withSessions } from "@plumbline/access";
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { inboxHandler, inboxPaths } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier } from "@plumbline/adapters/inbox/inbox";
import { openProcessLog } from "@plumbline/adapters/kafka/process-log";
import { createPagerDutyNotifier } from "@plumbline/adapters/pagerduty/notifier";
import { createSlackNotifier } from "@plumbline/adapters/slack/notifier";
import { createWebhookNotifier } from "@plumbline/adapters/webhook/notifier";
import { runbooksDir } from "@plumbline/alerts";
import { createHttpApp, createHttpService } from "@plumbline/runtime/http";
import { stopOnSignal } from "@plumbline/runtime/run";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { NotifierConfig } from "./config.ts";
import { createReadExamples } from "./example-texts.ts";
import { inboxRoutes } from "./inbox-routes.ts";
import { createNotifierService } from "./service.ts";

const { config, logger } = startProcess("notifier", NotifierConfig, process.env);
const {
  PLUMBLINE_SLACK_TOKEN: token,
  PLUMBLINE_SLACK_CHANNEL: channel,
  PLUMBLINE_SLACK_API_URL: apiUrl,
  PLUMBLINE_INBOX_DIR: inboxDir,
  PLUMBLINE_CLICKHOUSE_URL: clickhouseUrl,
  PLUMBLINE_WEBHOOK_URL: webhookUrl,
  PLUMBLINE_WEBHOOK_SECRET: webhookSecret,
  PLUMBLINE_PAGERDUTY_KEY: pagerDutyKey,
} = config;

const stop = stopOnSignal();
const inbox = inboxDir === undefined ? null : await openInboxNotifier({ dir: inboxDir });
const log = await openProcessLog({ name: "notifier", config, logger });

const store =
  clickhouseUrl === undefined ? null : createClickHouseStore(openHttpClickHouse({ url: clickhouseUrl }));

const notifier = createNotifierService({
  log,
  notifiers: [
    ...(token === undefined || channel === undefined
      ? []
      : [
          createSlackNotifier({
            token,
            channel,
            logger,
            buttons: config.PLUMBLINE_SLACK_BUTTONS,
            ...(apiUrl !== undefined && { apiUrl }),
          }),
        ]),
    ...(webhookUrl === undefined || webhookSecret === undefined
      ? []
      : [createWebhookNotifier({ url: webhookUrl, secret: webhookSecret, clock: systemClock })]),
    ...(pagerDutyKey === undefined ? [] : [createPagerDutyNotifier({ routingKey: pagerDutyKey })]),
    ...(inbox === null ? [] : [inbox]),
  ],
  examples: { inbox: "full", slack: config.PLUMBLINE_SLACK_EXAMPLES },
  ...(store !== null && { readExamples: createReadExamples(store, logger) }),
  copies: inbox === null ? [] : [inbox],
  clock: systemClock,
  logger,
  settings: {
    runbooks_url: config.PLUMBLINE_RUNBOOKS_URL ?? null,
    console_url: config.PLUMBLINE_CONSOLE_URL ?? null,
    time_zone: config.PLUMBLINE_TIME_ZONE,
  },
});

const handle = inbox === null ? null : inboxHandler(inbox, { signal: stop, runbooksDir: runbooksDir() });
const sessions = createSessions();
const routes = handle === null ? [] : [...inboxRoutes(inboxPaths(), handle), ...sessionRoutes(sessions)];
const access = openAccess({
  config,
  host: config.PLUMBLINE_NOTIFIER_HOST,
  log,
  clock: systemClock,
  logger,
  service: "notifier",
});
const http = createHttpService(
  createHttpApp({
    name: "notifier",
    logger,
    guard: withSessions(withIdentity(access.guard, config), sessions),
    routes,
    health: notifier.health,
  }),
  {
    name: "notifier-http",
    logger,
    host: config.PLUMBLINE_NOTIFIER_HOST,
    port: config.PLUMBLINE_NOTIFIER_PORT,
    portSetting: "PLUMBLINE_NOTIFIER_PORT",
    tls: access.tls,
  },
);

await serveProcess("notifier", [notifier, http, ...access.services], {
  config,
  logger,
  stop,
  resources: [
    ...(store === null ? [] : [{ name: "clickhouse", close: () => store.close() }]),
    { name: "kafka", close: () => log.close() },
  ],
});
