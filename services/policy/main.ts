/** The policy service as a process of its own: calls and incidents from Kafka, commands to the registry. */
import { openAccess } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openProcessLogMeanwhile } from "@plumbline/adapters/kafka/process-log";
import { createHttpApp, createHttpService } from "@plumbline/runtime/http";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { limitsOf, PolicyConfig } from "./config.ts";
import { policyRoutes } from "./routes.ts";
import { createPolicyService } from "./service.ts";

const { config, logger } = startProcess("policy", PolicyConfig, process.env);
// Rollouts go on without Kafka for as long as the registry answers.
const log = openProcessLogMeanwhile({ name: "policy", config, logger });
const policy = createPolicyService({
  log,
  clock: systemClock,
  logger,
  registryUrl: config.PLUMBLINE_REGISTRY_URL,
  apiKey: config.PLUMBLINE_REGISTRY_KEY,
  pollMs: config.PLUMBLINE_POLICY_POLL_MS,
  limits: limitsOf(config),
});
const access = openAccess({
  config,
  host: config.PLUMBLINE_POLICY_HOST,
  log,
  clock: systemClock,
  logger,
  service: "policy service",
});
const http = createHttpService(
  createHttpApp({
    name: "policy",
    logger,
    guard: access.guard,
    routes: policyRoutes(policy),
    health: policy.health,
  }),
  {
    name: "policy-http",
    logger,
    host: config.PLUMBLINE_POLICY_HOST,
    port: config.PLUMBLINE_POLICY_PORT,
    portSetting: "PLUMBLINE_POLICY_PORT",
    tls: access.tls,
  },
);

await serveProcess("policy", [policy, http, ...access.services], {
  config,
  logger,
  resources: [{ name: "kafka", close: () => log.close() }],
});
