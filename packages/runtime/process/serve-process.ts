/** The services of a process of its own, and the port on which it answers about them. */
import type { z } from "zod";
import type { Logger } from "../logger.ts";
import { createMetricsService } from "./metrics-service.ts";
import type { MetricsConfig, ProcessConfig } from "./process-config.ts";
import { runProcess, stopOnSignal, type Resource, type Service } from "../run.ts";

interface ServeOptions {
  readonly config: z.output<typeof MetricsConfig> & z.output<typeof ProcessConfig>;
  readonly logger: Logger;
  /** Default: the signals that end a process. */
  readonly stop?: AbortSignal;
  /** Closed in the opposite order, after the services. */
  readonly resources: readonly Resource[];
}

/** serveProcess runs until the process is told to stop or a service fails. @param name of the process, such as `writer` */
export async function serveProcess(
  name: string,
  services: readonly Service[],
  { config, logger, stop = stopOnSignal(), resources }: ServeOptions,
): Promise<void> {
  const metrics = createMetricsService({
    name,
    logger,
    services,
    host: config.PLUMBLINE_METRICS_HOST,
    port: config.PLUMBLINE_METRICS_PORT,
  });
  await runProcess([...services, metrics], { logger, stop, drainMs: config.PLUMBLINE_DRAIN_MS, resources });
}
