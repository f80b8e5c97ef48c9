import { schedule as cronSchedule } from "node-cron";
import type { Logger } from "./logger.ts";

/** A job repeated by a cron expression (five or six fields, UTC). */
export interface ScheduledJob {
  readonly name: string;
  readonly cron: string;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs jobs on their schedules until `signal` aborts, then waits for the runs in flight.
 * A tick that finds its job still running is skipped and counted in the log: runs never overlap. A failed run is
 * logged and the next tick tries again; jobs are idempotent, so nothing is lost by that.
 */
export async function runSchedule(
  jobs: readonly ScheduledJob[],
  options: { signal: AbortSignal; logger: Logger },
): Promise<void> {
  const { signal, logger } = options;
  const inFlight = new Map<string, Promise<void>>();

  const tick = (job: ScheduledJob): void => {
    if (signal.aborted) return;
    if (inFlight.has(job.name)) {
      logger.warn({ job: job.name }, "job.still_running");
      return;
    }
    const started = performance.now();
    const work = job
      .run(signal)
      .then(() =>
        logger.debug({ job: job.name, duration_ms: Math.round(performance.now() - started) }, "job.done"),
      )
      .catch((error: unknown) => logger.error({ job: job.name, err: error }, "job.failed"))
      .finally(() => inFlight.delete(job.name));
    inFlight.set(job.name, work);
  };

  const tasks = jobs.map((job) => cronSchedule(job.cron, () => tick(job), { timezone: "UTC" }));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const task of tasks) await task.stop();
  await Promise.all(inFlight.values());
}
