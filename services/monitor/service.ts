/**
 * The monitor: jobs on a schedule that turn stored rows into detections on the incidents topic.
 *
 * Use cases hash onto the partitions of the schedule topic; a replica works on the use cases of the partitions
 * that the group protocol gave it, so one replica or fifty run the same code.
 */
import { createHash } from "node:crypto";
import type { Clock, EventLog, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { runSchedule } from "@plumbline/runtime/schedule";
import type { MonitorConfig } from "./config.ts";
import { type CoverageMonitorDeps, createCoverageMonitor } from "./coverage/coverage-monitor.ts";
import { IncidentFold } from "./incident-fold.ts";
import { createMeasuresMonitor, type MeasuresDeps } from "./measures/monitor.ts";
import { createQualityMonitor, type QualityOptions, type QualityStore } from "./quality/quality-monitor.ts";

const GROUP = "monitor";
/** After the last record the store may still be catching up for this long. */
const NEWS_MS = 15_000;
/** Longest time without a look while nothing arrives. */
const IDLE_LOOK_MS = 5 * 60_000;

export interface MonitorDeps {
  readonly log: EventLog;
  readonly store: Pick<
    Store,
    keyof QualityStore | keyof CoverageMonitorDeps["store"] | keyof MeasuresDeps["store"]
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: MonitorConfig;
}

export function createMonitor({ log, store, clock, logger, config }: MonitorDeps): Service {
  let held: ReadonlySet<number> = new Set();
  let partitions = 1;
  const holds = (useCase: string): boolean => held.has(scheduleSlot(useCase, partitions));
  const deps = { store, log, clock, logger, holds };
  /** Made anew at every change of partitions: a use case that came back is rebuilt from rows. */
  const createJobs = () => [
    {
      name: "quality",
      cron: config.PLUMBLINE_MONITOR_CRON,
      ...createQualityMonitor({ ...deps, incidents: new IncidentFold(log), options: qualityOptions(config) }),
    },
    {
      name: "coverage",
      cron: config.PLUMBLINE_MONITOR_CRON,
      ...createCoverageMonitor({ ...deps, incidents: new IncidentFold(log) }),
    },
    {
      name: "measures",
      cron: config.PLUMBLINE_MONITOR_MEASURES_CRON,
      ...createMeasuresMonitor({ ...deps, incidents: new IncidentFold(log) }),
    },
  ];
  let jobs = createJobs();

  return {
    name: "monitor",
    async run(signal) {
      partitions = (await log.watermarks("plumbline.schedule")).length;
      const schedules = jobs.map(({ name, cron }, i) => {
        const hasNews = createNews();
        return {
          name,
          cron,
          run: async () => {
            if (await hasNews()) await jobs[i]!.run();
          },
        };
      });
      await Promise.all([follow(signal), runSchedule(schedules, { signal, logger })]);
    },
  };

  /**
   * Says for one job whether a look at the store can find anything new: records arrived lately, or it has not looked for
   * a while, since silence is found by the clock. Without this an idle process would ask the same questions for ever.
   */
  function createNews(): () => Promise<boolean> {
    let end = -1;
    let changedAt = 0;
    let lookedAt = 0;
    return async () => {
      const now = clock.now();
      let newEnd = 0;
      for (const topic of ["plumbline.calls", "plumbline.verdicts", "plumbline.incidents"] as const) {
        for (const { high } of await log.watermarks(topic)) newEnd += high;
      }
      if (newEnd !== end) changedAt = now;
      end = newEnd;
      if (now - changedAt > NEWS_MS && now - lookedAt < IDLE_LOOK_MS) return false;
      lookedAt = now;
      return true;
    };
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const claimed of log.claim(GROUP, "plumbline.schedule", signal)) {
      held = new Set(claimed);
      jobs = createJobs();
      logger.info({ partitions: claimed.length }, "monitor.claimed");
    }
  }
}

export function qualityOptions(config: MonitorConfig): QualityOptions {
  const { PLUMBLINE_MONITOR_SLO: slo } = config;
  return {
    alpha: config.PLUMBLINE_MONITOR_ALPHA,
    tickets: config.PLUMBLINE_MONITOR_TICKETS === "on",
    falseAlarmsPerYear: config.PLUMBLINE_MONITOR_FALSE_PAGES_PER_YEAR,
    ...(slo === undefined ? {} : { slo }),
  };
}

/** Which partition of the schedule topic a use case belongs to; the same on every replica and after every restart. */
export function scheduleSlot(useCase: string, partitions: number): number {
  return createHash("sha256").update(useCase).digest().readUInt32BE(0) % partitions;
}
