/** The collector as a process of its own: HTTP in, Kafka out. */
import { openAccess } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openProcessLogMeanwhile } from "@plumbline/adapters/kafka/process-log";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { CollectorConfig } from "./config.ts";
import { createCollector } from "./service.ts";

const { config, logger } = startProcess("collector", CollectorConfig, process.env);
// It starts without Kafka: while Kafka is away it answers 503, and takes calls again at once when it is back.
const log = openProcessLogMeanwhile({ name: "collector", config, logger });

const access = openAccess({
  config,
  host: config.PLUMBLINE_COLLECTOR_HOST,
  staticKeys: [...(config.PLUMBLINE_API_KEYS ?? [])].map(([secret, tenant]) => ({
    secret,
    tenant,
    name: `PLUMBLINE_API_KEYS of ${tenant}`,
    scopes: ["ingest"],
    isOperator: false,
  })),
  log,
  clock: systemClock,
  logger,
  service: "collector",
});
const collector = createCollector({
  log,
  clock: systemClock,
  logger,
  host: config.PLUMBLINE_COLLECTOR_HOST,
  port: config.PLUMBLINE_COLLECTOR_PORT,
  guard: access.guard,
  tls: access.tls,
});

await serveProcess("collector", [collector, ...access.services], {
  config,
  logger,
  resources: [{ name: "kafka", close: () => log.close() }],
});
