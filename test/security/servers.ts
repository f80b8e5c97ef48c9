/** Every server of ours with its routes, for what must hold for all of them. */
import {
  createKeyGuard,
  createSessions,
  sessionRoutes,
  withSessions,
  type KeyDirectory,
} from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { inboxHandler, inboxPaths } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier, type Inbox } from "@plumbline/adapters/inbox/inbox";
import type { EventLog } from "@plumbline/ports";
import { createHttpApp, createHttpService, type Guard, type HttpService } from "@plumbline/runtime/http";
import type { Logger } from "@plumbline/runtime/logger";
import { createMetricsService } from "@plumbline/runtime/process/metrics-service";
import { createCollector } from "@plumbline/services/collector/service";
import { inboxRoutes } from "@plumbline/services/notifier/inbox-routes";
import { policyRoutes } from "@plumbline/services/policy/routes";
import { createPolicyService } from "@plumbline/services/policy/service";
import { createRegistry } from "@plumbline/services/registry/service";

export interface Servers {
  readonly guard: Guard;
  readonly inbox: Inbox;
  readonly all: Readonly<Record<"collector" | "registry" | "policy" | "inbox" | "metrics", HttpService>>;
}

/** The servers that production runs, all asking `keys`. */
export async function createServers(options: {
  readonly log: EventLog;
  readonly keys: KeyDirectory;
  readonly logger: Logger;
  readonly inboxDir: string;
  /** Of every tenant. */
  readonly operatorKey?: string;
  /** Default: that of `keys`. */
  readonly guard?: Guard;
}): Promise<Servers> {
  const { log, keys, logger, inboxDir, operatorKey } = options;
  const operator = { tenant: "default", name: "operator", scopes: ["admin"], isOperator: true } as const;
  const staticKeys = operatorKey === undefined ? [] : [{ ...operator, secret: operatorKey }];
  const { guard = createKeyGuard({ clock: systemClock, staticKeys, directory: keys }) } = options;
  const deps = { log, clock: systemClock, logger, guard, port: 0 };
  const inbox = await openInboxNotifier({ dir: inboxDir });
  const handle = inboxHandler(inbox);
  const sessions = createSessions();
  const small = (name: string, routes: Parameters<typeof createHttpApp>[0]["routes"], own: Guard = guard) =>
    createHttpService(createHttpApp({ name, logger, guard: own, routes }), { name, logger, port: 0 });
  const collector = createCollector(deps);
  const slack = {
    signingSecret: "signing-secret-of-the-tests",
    token: "xoxb-test",
    apiUrl: "http://127.0.0.1:1/",
    roles: new Map(),
  };
  const registry = createRegistry({ ...deps, keys, followMs: 20, slack });
  return {
    guard,
    inbox,
    all: {
      collector,
      registry,
      policy: small(
        "policy",
        policyRoutes(
          createPolicyService({ log, clock: systemClock, logger, registryUrl: "http://127.0.0.1:1" }),
        ),
      ),
      inbox: small(
        "inbox",
        [...inboxRoutes(inboxPaths(), handle), ...sessionRoutes(sessions)],
        withSessions(guard, sessions),
      ),
      metrics: createMetricsService({ name: "collector", logger, services: [collector, registry], port: 0 }),
    },
  };
}
