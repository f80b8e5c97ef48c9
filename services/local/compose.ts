/**
 * Every service in one process: the log in an lmdb folder, ClickHouse in-process, the inbox page beside or instead
 * of Slack. The services are the ones that production runs; only what stands behind their ports is chosen here.
 */
import { join } from "node:path";
import { runbooksDir } from "@plumbline/alerts";
import { createSessions, sessionRoutes, withSessions, type Sessions } from "@plumbline/access";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { inboxHandler, inboxPaths } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier, type Inbox } from "@plumbline/adapters/inbox/inbox";
import { createJudge } from "@plumbline/adapters/llm/create-judge";
import { openLmdbEventLog, type LmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { createSlackNotifier } from "@plumbline/adapters/slack/notifier";
import { createErasureFollower } from "@plumbline/erasure";
import { ConfigError, type EventLog, type Notifier, type Store } from "@plumbline/ports";
import {
  createHttpApp,
  createHttpService,
  createOpenGuard,
  DEFAULT_TENANT,
  type HttpService,
  type Principal,
  type Route,
} from "@plumbline/runtime/http";
import type { Logger } from "@plumbline/runtime/logger";
import { onScrape, setGauge } from "@plumbline/runtime/metrics";
import { createMetricsService } from "@plumbline/runtime/process/metrics-service";
import type { Resource, Service } from "@plumbline/runtime/run";
import { createScheduler, type JobService } from "@plumbline/runtime/schedule";
import { SCOPES } from "@plumbline/schemas";
import { createCollector } from "../collector/service.ts";
import { judgeChoice } from "../judge/config.ts";
import { DEFAULT_RUBRICS } from "../judge/default-rubric.ts";
import { createJudgeService } from "../judge/service.ts";
import { createMonitor } from "../monitor/service.ts";
import { createReadExamples } from "../notifier/example-texts.ts";
import { inboxRoutes } from "../notifier/inbox-routes.ts";
import { createNotifierService } from "../notifier/service.ts";
import { limitsOf } from "../policy/config.ts";
import { createPolicyService } from "../policy/service.ts";
import { createRegistry } from "../registry/service.ts";
import { slackActionsOf } from "../registry/slack/slack-config.ts";
import { createSnapshotFile } from "../registry/snapshot.ts";
import { createEnrichment } from "../writer/calls/enrich-call.ts";
import { createEraser } from "../writer/eraser.ts";
import { createWriter } from "../writer/service.ts";
import type { LocalConfig } from "./config.ts";
import { openDataFolder } from "./data-folder.ts";
import type { Flags } from "./flags.ts";

/** Where the inbox page serves them; a channel elsewhere leaves such links out. */
const RUNBOOKS_PATH = "/runbooks";
/** Every ten minutes: retention is days, and a trim of nothing costs a look. */
const TRIM_MS = 600_000;

export interface LocalMode {
  readonly services: readonly Service[];
  /** Opened already; to be closed in reverse after the services stopped. */
  readonly resources: readonly Resource[];
  readonly log: EventLog;
  readonly store: Store;
  readonly inbox: Inbox;
  /** A token that opens one session in the inbox page, once, as whoever started the process. */
  readonly issueLink: () => string;
  /** Resolves once everything serves. */
  readonly urls: Promise<LocalUrls>;
}

export interface LocalUrls {
  readonly collector: string;
  readonly inbox: string;
  /** Read-only. */
  readonly sql: string;
  readonly registry: string;
  /** Of `/livez`, `/readyz` and `/metrics`, about every service of the process. */
  readonly metrics: string;
}

interface LocalOptions {
  readonly dataDir: string;
  readonly ports: Flags["ports"];
  readonly config: LocalConfig;
  readonly logger: Logger;
  /** Ends the inbox page's live streams. */
  readonly stop: AbortSignal;
}

/** @throws StoreError `store_locked` or ConfigError when another process holds the folder */
export async function composeLocal(options: LocalOptions): Promise<LocalMode> {
  const { dataDir, ports, config, logger, stop } = options;
  const resources: Resource[] = [];
  const keep = <Opened extends { close(): Promise<void> }>(name: string, opened: Opened): Opened => {
    resources.push({ name, close: () => opened.close() });
    return opened;
  };

  try {
    await openDataFolder(dataDir);
    const { PLUMBLINE_LOG_RESERVE_BYTES: reserveBytes } = config;
    const log = keep(
      "log",
      await openLmdbEventLog({
        path: join(dataDir, "log"),
        clock: systemClock,
        ...(reserveBytes === undefined ? {} : { reserveBytes }),
      }),
    );
    const clickhouse = keep(
      "clickhouse",
      await openEmbeddedClickHouse({ path: join(dataDir, "clickhouse"), logger }),
    );
    const store = createClickHouseStore(clickhouse);
    await store.migrate();
    const sql = keep("sql", await serveClickHouse(clickhouse, { port: ports.sql, readOnly: true, logger }));
    const inbox = await openInboxNotifier({ dir: join(dataDir, "inbox") });

    const deps = { log, store, clock: systemClock, logger };
    const collector = createCollector({
      log,
      clock: systemClock,
      logger,
      port: ports.collector,
      portSetting: "--port or PLUMBLINE_PORT",
    });
    const registry = createRegistry({
      log,
      clock: systemClock,
      logger,
      port: ports.registry,
      portSetting: "--registry-port or PLUMBLINE_REGISTRY_PORT",
      slack: slackActionsOf(config),
      snapshots: createSnapshotFile(join(dataDir, "registry.json")),
      // No other replica writes here, and its own commands it reads at once; looking ten times a second would cost
      // an idle laptop more than every other service.
      followMs: 1_000,
    });
    const sessions = createSessions();
    const page = createInboxPage(inbox, {
      sessions,
      commands: registry.pageRoutes,
      port: ports.inbox,
      logger,
      stop,
    });
    const services: readonly Service[] = [
      collector,
      page,
      registry,
      createWriter({ ...deps, enrichment: createEnrichment(config), adoptLog: config.PLUMBLINE_ADOPT_LOG }),
      createEraser({
        ...deps,
        erasures: createErasureFollower(log, systemClock),
        rewriteLog: (topic, change, given) => log.rewrite(topic, change, given),
      }),
      createJudgeService({
        ...deps,
        judge: createJudge({ ...judgeChoice(config), clock: systemClock }),
        rubrics: DEFAULT_RUBRICS,
        config,
      }),
      createMonitor({ ...deps, config }),
      createPolicyService({ ...deps, registryUrl: registry.url, limits: limitsOf(config) }),
      createNotifierService({
        ...deps,
        notifiers: [inbox, ...slack(config, logger)],
        examples: { inbox: "full", slack: config.PLUMBLINE_SLACK_EXAMPLES },
        readExamples: createReadExamples(store, logger),
        copies: [inbox],
        settings: {
          runbooks_url: RUNBOOKS_PATH,
          console_url: null,
          time_zone: config.PLUMBLINE_TIME_ZONE,
        },
      }),
      createLogTrim(log, logger),
    ];
    const metrics = createMetricsService({
      name: "local",
      logger,
      services,
      port: ports.metrics,
      portSetting: "--metrics-port or PLUMBLINE_METRICS_PORT",
    });
    keep("disk-room", showDiskRoom(log));
    return {
      services: [...services, metrics],
      resources,
      log,
      store,
      inbox,
      issueLink: () => sessions.issueLink(OWNER),
      urls: Promise.all([collector.url, page.url, registry.url, metrics.url]).then(
        ([collectorUrl, inboxUrl, registryUrl, metricsUrl]) => ({
          collector: collectorUrl,
          inbox: inboxUrl,
          sql: sql.url,
          registry: registryUrl,
          metrics: metricsUrl,
        }),
      ),
    };
  } catch (error) {
    for (const resource of resources.toReversed()) await resource.close();
    throw error;
  }
}

function createLogTrim(log: { trim(): Promise<unknown> }, logger: Logger): JobService {
  const trim = { name: "trim", everyMs: TRIM_MS, run: async () => void (await log.trim()) };
  const scheduler = createScheduler([trim], { clock: systemClock, logger });
  return {
    name: "log",
    health: { readiness: scheduler.readiness },
    run: (signal) => scheduler.run(signal),
    jobs: () => scheduler.health(),
  };
}

function showDiskRoom(log: LmdbEventLog): { close(): Promise<void> } {
  const ends = [
    onScrape("log_disk_free_bytes", async () => {
      setGauge("log_disk_free_bytes", {}, (await log.diskRoom()).free_bytes);
    }),
    onScrape("log_disk_reserve_bytes", async () => {
      setGauge("log_disk_reserve_bytes", {}, (await log.diskRoom()).reserve_bytes);
    }),
  ];
  return {
    close: async () => {
      for (const end of ends) end();
    },
  };
}

/** Whoever started local mode, and holds the link that was printed. */
const OWNER: Principal = {
  tenant: DEFAULT_TENANT,
  name: "local",
  scopes: new Set(SCOPES),
  key_id: null,
  isOperator: true,
};

interface InboxPageDeps {
  readonly sessions: Sessions;
  /** What the buttons of incidents ask for. */
  readonly commands: readonly Route[];
  readonly port: number;
  readonly logger: Logger;
  readonly stop: AbortSignal;
}

function createInboxPage(
  inbox: Inbox,
  { sessions, commands, port, logger, stop }: InboxPageDeps,
): HttpService {
  const handle = inboxHandler(inbox, { runbooksDir: runbooksDir(), signal: stop, takesCommands: true });
  const app = createHttpApp({
    name: "inbox",
    logger,
    guard: withSessions(createOpenGuard(), sessions),
    routes: [...inboxRoutes(inboxPaths(), handle), ...sessionRoutes(sessions), ...commands],
  });
  return createHttpService(app, {
    name: "inbox",
    logger,
    port,
    portSetting: "--inbox-port or PLUMBLINE_INBOX_PORT",
  });
}

function slack(config: LocalConfig, logger: Logger): readonly Notifier[] {
  const {
    PLUMBLINE_SLACK_TOKEN: token,
    PLUMBLINE_SLACK_CHANNEL: channel,
    PLUMBLINE_SLACK_API_URL: apiUrl,
  } = config;
  if (token === undefined && channel === undefined) return [];
  if (token === undefined || channel === undefined) {
    throw new ConfigError(
      "PLUMBLINE_SLACK_TOKEN and PLUMBLINE_SLACK_CHANNEL: set both, or neither for the inbox page alone",
    );
  }
  const buttons = slackActionsOf(config) !== undefined;
  return [
    createSlackNotifier({ token, channel, logger, buttons, ...(apiUrl === undefined ? {} : { apiUrl }) }),
  ];
}
