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
import { IncidentFold } from "./incident-fold.ts";
import { runQualityJob } from "./quality-job.ts";

const GROUP = "monitor";

export interface MonitorDeps {
  readonly log: EventLog;
  readonly store: Pick<Store, "qualityByVersion" | "versionTraffic">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: MonitorConfig;
}

export function createMonitor({ log, store, clock, logger, config }: MonitorDeps): Service {
  const incidents = new IncidentFold(log);
  let held: ReadonlySet<number> = new Set();
  let partitions = 1;

  return {
    name: "monitor",
    async run(signal) {
      partitions = (await log.watermarks("plumbline.schedule")).length;
      const quality = {
        name: "quality",
        cron: config.PLUMBLINE_MONITOR_CRON,
        run: () =>
          runQualityJob({
            store,
            log,
            clock,
            logger,
            incidents,
            holds: (useCase) => held.has(scheduleSlot(useCase, partitions)),
            alpha: config.PLUMBLINE_MONITOR_ALPHA,
            margin: config.PLUMBLINE_MONITOR_MARGIN,
          }),
      };
      await Promise.all([follow(signal), runSchedule([quality], { signal, logger })]);
    },
  };

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const claimed of log.claim(GROUP, "plumbline.schedule", signal)) {
      held = new Set(claimed);
      logger.info({ partitions: claimed.length }, "monitor.claimed");
    }
  }
}

/** Which partition of the schedule topic a use case belongs to; the same on every replica and after every restart. */
export function scheduleSlot(useCase: string, partitions: number): number {
  return createHash("sha256").update(useCase).digest().readUInt32BE(0) % partitions;
}
