/** The registry as a process of its own: commands and state on Kafka, HTTP for everybody. */
import { openAccess } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openProcessLogMeanwhile } from "@plumbline/adapters/kafka/process-log";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { RegistryConfig } from "./config.ts";
import { createRegistry } from "./service.ts";
import { slackActionsOf } from "./slack/slack-config.ts";
import { createSnapshotFile } from "./snapshot.ts";

const { config, logger } = startProcess("registry", RegistryConfig, process.env);
// It starts without Kafka: with Kafka away it serves what its snapshot knows.
const log = openProcessLogMeanwhile({ name: "registry", config, logger });
const snapshot = config.PLUMBLINE_REGISTRY_SNAPSHOT;

const access = openAccess({
  config,
  host: config.PLUMBLINE_REGISTRY_HOST,
  staticKeys: [...(config.PLUMBLINE_REGISTRY_KEYS ?? [])].map(([secret, { actor, mayWrite }]) => ({
    secret,
    tenant: "default",
    name: actor,
    scopes: mayWrite ? ["read", "respond", "deploy"] : ["read"],
    isOperator: false,
  })),
  log,
  clock: systemClock,
  logger,
  service: "registry",
});
const registry = createRegistry({
  log,
  clock: systemClock,
  logger,
  host: config.PLUMBLINE_REGISTRY_HOST,
  port: config.PLUMBLINE_REGISTRY_PORT,
  guard: access.guard,
  tls: access.tls,
  slack: slackActionsOf(config),
  keys: access.directory ?? undefined,
  snapshots: snapshot === undefined ? undefined : createSnapshotFile(snapshot),
});

await serveProcess("registry", [registry], {
  config,
  logger,
  resources: [{ name: "kafka", close: () => log.close() }],
});
