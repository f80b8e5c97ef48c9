/**
 * The life of a process: start, work, stop. A *service* works until its signal aborts; a *resource* is closed
 * after every service has stopped, in reverse order of opening.
 */
import { setMaxListeners } from "node:events";
import { inspect } from "node:util";
import { untilAborted } from "./until-aborted.ts";
import { EXIT, exitCodeOf, isDescribed } from "./exit-code.ts";
import type { Health } from "./health.ts";
import { redactSecrets } from "./secrets.ts";
import { createLogger, type Logger } from "./logger.ts";

export interface Service {
  readonly name: string;
  /** What it says about itself; `createMetricsService` answers with it. */
  readonly health?: Health;
  /** Works until `signal` aborts, finishes what it holds, resolves. A rejection is a fault and stops the process. */
  run(signal: AbortSignal): Promise<void>;
}

export interface Resource {
  readonly name: string;
  close(): Promise<void>;
}

interface RunOptions {
  readonly logger: Logger;
  /** Aborts when the process should stop. */
  readonly stop: AbortSignal;
  /** Longest wait for services to finish, ms. Shorter than the orchestrator's kill delay. */
  readonly drainMs: number;
  readonly resources: readonly Resource[];
}

/**
 * Runs services until `stop` aborts or one of them fails; then stops them all and closes the resources.
 *
 * @throws the first fault of a service, after everything else was stopped and closed
 */
export async function run(services: readonly Service[], options: RunOptions): Promise<void> {
  const { logger, stop, drainMs, resources } = options;
  const abort = new AbortController();
  // Every service, batch and wait listens to this one signal; that many listeners are no leak.
  setMaxListeners(0, abort.signal, stop);
  const stopAll = (): void => abort.abort();
  if (stop.aborted) stopAll();
  stop.addEventListener("abort", stopAll, { once: true });
  // Promises alone do not keep Node alive: a process without a socket would exit with code 13.
  const alive = setInterval(() => undefined, 1 << 30);

  const running = new Set(services.map((service) => service.name));
  const faults: unknown[] = [];
  const finished = services.map(async (service) => {
    try {
      await service.run(abort.signal);
      if (!abort.signal.aborted) throw new Error(`service ${service.name} ended by itself`);
    } catch (error) {
      // One fault may end several services, and one that is described in words is told when the process ends by it.
      const isTold = faults.includes(error) || (faults.length === 0 && isDescribed(error));
      if (!isTold) logger.error({ service: service.name, err: error }, "service.failed");
      faults.push(error);
      stopAll();
    } finally {
      running.delete(service.name);
    }
  });

  await untilAborted(abort.signal);
  await within(drainMs, Promise.all(finished));
  if (running.size > 0) logger.warn({ services: [...running], drain_ms: drainMs }, "service.not_drained");

  for (const resource of resources.toReversed()) {
    try {
      await resource.close();
    } catch (error) {
      faults.push(error);
      logger.error({ resource: resource.name, err: error }, "resource.close_failed");
    }
  }
  clearInterval(alive);
  stop.removeEventListener("abort", stopAll);
  if (faults.length > 0) throw faults[0];
}

/** A driver's last packets, ms. */
const LEAVE_MS = 2_000;

/**
 * Like `run`, for the services of a whole process. When everything is closed it ends even if a driver has left a socket
 * open, which would otherwise keep it for ever; what was left is logged.
 */
export async function runProcess(services: readonly Service[], options: RunOptions): Promise<void> {
  await run(services, options);
  // Nothing waits for this timer: it fires only where something else keeps the process.
  setTimeout(() => {
    options.logger.warn({ resources: process.getActiveResourcesInfo() }, "process.resources_left");
    process.exit();
  }, LEAVE_MS).unref();
}

/**
 * Ends the process when nobody else handles a fault, a promise's rejection included. One that this product describes is
 * told in its own words, which the stack of our code would only hide. Any other is a defect: one line of the log, with
 * the stack as a field.
 *
 * @param name of the process, as its logger has it
 */
export function exitOnFault(name: string): void {
  process.on("uncaughtException", (error: unknown, origin) => {
    if (isDescribed(error)) {
      process.stderr.write(`${redactSecrets(error.message)}\n`);
      process.exit(exitCodeOf(error));
    }
    // A logger of its own: the fault may be older than the process's, and this line must be out before the end.
    const err = error instanceof Error ? error : new Error(`not an error: ${inspect(error)}`);
    createLogger(name, "error").fatal({ err, origin }, "process.fault");
    process.exit(EXIT.unexpected);
  });
}

/** Aborts on the first SIGTERM or SIGINT; the second one exits at once. */
export function stopOnSignal(): AbortSignal {
  const abort = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(EXIT.interrupted);
      abort.abort();
    });
  }
  return abort.signal;
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
