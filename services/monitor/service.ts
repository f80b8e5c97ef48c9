/**
 * The monitor: jobs on a schedule that turn stored rows into detections on the incidents topic.
 *
 * Use cases hash onto the partitions of the schedule topic; a replica works on the use cases of the partitions
 * that the group protocol gave it, so one replica or fifty run the same code.
 */
import { IncidentFold } from "@plumbline/alerts";
import { scheduleSlot } from "@plumbline/ports";
import { createScheduler, type JobService, type ScheduledJob } from "@plumbline/runtime/schedule";
import { untilAborted } from "@plumbline/runtime/until-aborted";
import { createJobWatch } from "./coverage/job-watch.ts";
import { createScanMetrics } from "./ingest/scan-metrics.ts";
import { createMonitorJobs, type JobDeps } from "./jobs.ts";
import type { UseCaseFailure } from "./use-cases/use-case-guard.ts";

const GROUP = "monitor";
const NEWS_TOPICS = [
  "plumbline.calls",
  "plumbline.verdicts",
  "plumbline.incidents",
  "plumbline.registry",
] as const;
/** After the last record the store may still be catching up for this long. */
const NEWS_MS = 15_000;
/** Period of the scan for records that are in no table. */
const INGEST_MS = 5 * 60_000;
/** Longest time without a run while nothing arrives. */
const IDLE_LOOK_MS = 5 * 60_000;

const JOBS = ["quality", "coverage", "ingest", "canary", "measures"] as const;
type JobName = (typeof JOBS)[number];

type MonitorDeps = Omit<JobDeps, "holds" | "settleMs" | "onScan">;

export function createMonitor({ log, store, clock, logger, config }: MonitorDeps): JobService {
  let held: ReadonlySet<number> = new Set();
  let partitions = 1;
  const scans = createScanMetrics(clock, INGEST_MS);
  const holds = (useCase: string): boolean => held.has(scheduleSlot(useCase, partitions));
  /** Made anew at every change of partitions: a use case that came back is rebuilt from rows. */
  const createJobs = () =>
    createMonitorJobs({ store, log, clock, logger, config, holds, onScan: scans.note });
  const everyMs = 1_000 * config.PLUMBLINE_MONITOR_INTERVAL_SECONDS;
  const periods: Readonly<Record<JobName, number>> = {
    quality: everyMs,
    coverage: everyMs,
    ingest: INGEST_MS,
    canary: everyMs,
    measures: 1_000 * config.PLUMBLINE_MONITOR_MEASURES_INTERVAL_SECONDS,
  };
  let jobs = createJobs();
  let haveClaim = (): void => undefined;
  /** Before the first claim there is nothing to read; a run that waits for it is overdue, not a success. */
  const claim = new Promise<void>((resolve) => (haveClaim = resolve));
  const failures = new Map<string, readonly UseCaseFailure[]>();
  const watch = createJobWatch({ log, clock, logger, incidents: new IncidentFold(log), holds });
  const scheduler = createScheduler([...JOBS.map((name) => jobOf(name)), watchJob()], { clock, logger });

  return {
    name: "monitor",
    health: { readiness: scheduler.readiness },
    jobs: () => scheduler.health(),
    async run(signal) {
      partitions = (await log.watermarks("plumbline.schedule")).length;
      await Promise.all([follow(signal), scheduler.run(signal)]);
      scans.close();
    },
  };

  function jobOf(name: JobName): ScheduledJob {
    const news = createNews();
    return {
      name,
      everyMs: periods[name],
      run: async (signal) => {
        await Promise.race([claim, untilAborted(signal)]);
        const left = failures.get(name) ?? [];
        if (signal.aborted) return left;
        // Use cases that failed are tried again also when nothing arrived.
        if (!(await news.arrived()) && left.length === 0) return [];
        failures.set(name, (await jobs[name].run()) ?? []);
        news.looked();
        return failures.get(name);
      },
    };
  }

  /** The last job, and the only one that watches the others. */
  function watchJob(): ScheduledJob {
    return {
      name: "job_watch",
      everyMs,
      run: async () => {
        if (held.size === 0) return;
        const reports = scheduler
          .health()
          .filter(({ name }) => name !== "job_watch")
          .map((health) => ({ health, failures: failures.get(health.name) ?? [] }));
        await watch.run(reports, Math.min(...held));
      },
    };
  }

  /**
   * Tells one job whether the store can hold anything new: records arrived lately, partitions were claimed
   * lately, or the job has not run for a while, since silence is found by the clock. Without this an idle process would
   * ask the same questions for ever. Records stay news until a run has succeeded.
   */
  function createNews() {
    let end = -1;
    let seen = held;
    let changedAt = 0;
    let askedAt = 0;
    let lookedAt: number | null = null;
    return {
      async arrived(): Promise<boolean> {
        askedAt = clock.monotonic();
        let newEnd = 0;
        for (const topic of NEWS_TOPICS) {
          for (const { high } of await log.watermarks(topic)) newEnd += high;
        }
        if (newEnd !== end || held !== seen) changedAt = askedAt;
        end = newEnd;
        seen = held;
        return lookedAt === null || lookedAt - changedAt <= NEWS_MS || askedAt - lookedAt >= IDLE_LOOK_MS;
      },
      looked(): void {
        lookedAt = askedAt;
      },
    };
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const claimed of log.claim(GROUP, "plumbline.schedule", signal)) {
      held = new Set(claimed);
      jobs = createJobs();
      haveClaim();
      logger.info({ partitions: claimed.length }, "monitor.claimed");
    }
  }
}
