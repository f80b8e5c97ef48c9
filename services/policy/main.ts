/** The policy service as a process of its own. It needs the registry and nothing else. */
import { openAccess } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createHttpApp, createHttpService } from "@plumbline/runtime/http";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { PolicyConfig } from "./config.ts";
import { policyRoutes } from "./routes.ts";
import { createPolicyService } from "./service.ts";

const { config, logger } = startProcess("policy", PolicyConfig, process.env);
const policy = createPolicyService({
  clock: systemClock,
  logger,
  registryUrl: config.PLUMBLINE_REGISTRY_URL,
  apiKey: config.PLUMBLINE_REGISTRY_KEY,
  pollMs: config.PLUMBLINE_POLICY_POLL_MS,
});
const { guard, tls } = openAccess({
  config,
  host: config.PLUMBLINE_POLICY_HOST,
  log: null,
  clock: systemClock,
  logger,
  service: "policy service",
});
const http = createHttpService(
  createHttpApp({
    name: "policy",
    logger,
    guard,
    routes: policyRoutes(policy),
    health: policy.health,
  }),
  {
    name: "policy-http",
    logger,
    host: config.PLUMBLINE_POLICY_HOST,
    port: config.PLUMBLINE_POLICY_PORT,
    portSetting: "PLUMBLINE_POLICY_PORT",
    tls,
  },
);

await serveProcess("policy", [policy, http], {
  config,
  logger,
  resources: [],
});
