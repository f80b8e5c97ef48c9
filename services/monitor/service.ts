/**
 * The monitor: jobs on a schedule that turn stored rows into detections on the incidents topic.
 *
 * Use cases hash onto the partitions of the schedule topic; a replica works on the use cases of the partitions
 * that the group protocol gave it, so one replica or fifty run the same code.
 */
import { createHash } from "node:crypto";
import type { Service } from "@plumbline/runtime/run";
import { runSchedule } from "@plumbline/runtime/schedule";
import { createMonitorJobs, type JobDeps } from "./jobs.ts";

const GROUP = "monitor";
const NEWS_TOPICS = [
  "plumbline.calls",
  "plumbline.verdicts",
  "plumbline.incidents",
  "plumbline.registry",
] as const;
/** After the last record the store may still be catching up for this long. */
const NEWS_MS = 15_000;
/** Longest time without a look while nothing arrives. */
const IDLE_LOOK_MS = 5 * 60_000;

export type MonitorDeps = Omit<JobDeps, "holds" | "settleMs">;

export function createMonitor({ log, store, clock, logger, config }: MonitorDeps): Service {
  let held: ReadonlySet<number> = new Set();
  let partitions = 1;
  const holds = (useCase: string): boolean => held.has(scheduleSlot(useCase, partitions));
  /** Made anew at every change of partitions: a use case that came back is rebuilt from rows. */
  const createJobs = () => createMonitorJobs({ store, log, clock, logger, config, holds });
  const crons = {
    quality: config.PLUMBLINE_MONITOR_CRON,
    coverage: config.PLUMBLINE_MONITOR_CRON,
    canary: config.PLUMBLINE_MONITOR_CRON,
    measures: config.PLUMBLINE_MONITOR_MEASURES_CRON,
  };
  let jobs = createJobs();

  return {
    name: "monitor",
    async run(signal) {
      partitions = (await log.watermarks("plumbline.schedule")).length;
      const schedules = (["quality", "coverage", "canary", "measures"] as const).map((name) => {
        const hasNews = createNews();
        return {
          name,
          cron: crons[name],
          run: async () => {
            if (await hasNews()) await jobs[name].run();
          },
        };
      });
      await Promise.all([follow(signal), runSchedule(schedules, { signal, logger })]);
    },
  };

  /**
   * Says for one job whether a look at the store can find anything new: records arrived lately, partitions were claimed
   * lately, or it has not looked for a while, since silence is found by the clock. Without this an idle process would
   * ask the same questions for ever.
   */
  function createNews(): () => Promise<boolean> {
    let end = -1;
    let seen = held;
    let changedAt = 0;
    let lookedAt = 0;
    return async () => {
      const now = clock.now();
      let newEnd = 0;
      for (const topic of NEWS_TOPICS) {
        for (const { high } of await log.watermarks(topic)) newEnd += high;
      }
      if (newEnd !== end || held !== seen) changedAt = now;
      end = newEnd;
      seen = held;
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

/** Which partition of the schedule topic a use case belongs to; the same on every replica and after every restart. */
export function scheduleSlot(useCase: string, partitions: number): number {
  return createHash("sha256").update(useCase).digest().readUInt32BE(0) % partitions;
}
