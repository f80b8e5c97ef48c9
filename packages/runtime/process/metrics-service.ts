/** The port on which a process answers about itself: `/livez`, `/readyz`, `/metrics`. */
import { examine, gatherChecks, type Health } from "../health.ts";
import {
  createHttpApp,
  createHttpService,
  createOpenGuard,
  type HttpService,
  type Route,
} from "../http/index.ts";
import type { Logger } from "../logger.ts";
import { onScrape, scrape, setGauge, startDefaultMetrics } from "../metrics.ts";
import type { Service } from "../run.ts";
import { productVersion } from "./product-version.ts";

interface MetricsServiceOptions {
  /** Of the process, such as `writer`. */
  readonly name: string;
  readonly logger: Logger;
  /** Those of the process; their health is what is answered. */
  readonly services: readonly Service[];
  /** Checks of what belongs to no service, such as a schema. */
  readonly health?: Health;
  /** Default 127.0.0.1. What is answered are numbers and sentences, no texts: another address needs no key. */
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** What a person changes when the port is taken. Default PLUMBLINE_METRICS_PORT. */
  readonly portSetting?: string;
}

export function createMetricsService(options: MetricsServiceOptions): HttpService {
  const { name, logger, services, health = {}, host, port, portSetting = "PLUMBLINE_METRICS_PORT" } = options;
  const liveness = { ...health.liveness, ...gatherChecks(services, "liveness") };
  const readiness = { ...health.readiness, ...gatherChecks(services, "readiness") };
  startDefaultMetrics();
  setGauge("build_info", { service: name, version: productVersion(), node: process.version }, 1);

  const metrics: Route = {
    method: "GET",
    path: "/metrics",
    access: "public",
    handle: async (_request, response) => {
      const { contentType, text } = await scrape();
      response.setHeader("content-type", contentType).end(text);
    },
  };
  const app = createHttpApp({
    name: "metrics",
    logger,
    guard: createOpenGuard(),
    routes: [metrics],
    health: { liveness, readiness },
  });
  const http = createHttpService(app, {
    name: "metrics",
    logger,
    port,
    portSetting,
    ...(host === undefined ? {} : { host }),
  });
  return {
    ...http,
    async run(signal) {
      const end = onScrape("ready", async () => {
        const { checks } = await examine(readiness);
        for (const [check, finding] of Object.entries(checks))
          setGauge("ready", { check }, Number(finding.ok));
      });
      try {
        await http.run(signal);
      } finally {
        end();
      }
    },
  };
}
