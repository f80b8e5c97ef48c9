/** The monitor's jobs as the service runs them, without its schedule: the replay says when they look. */
import type { Clock, EventLog, Store } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/load-config";
import type { Logger } from "@plumbline/runtime/logger";
import { MonitorConfig } from "../../monitor/config.ts";
import { createCoverageMonitor } from "../../monitor/coverage/coverage-monitor.ts";
import { IncidentFold } from "../../monitor/incident-fold.ts";
import { createQualityMonitor, type VersionState } from "../../monitor/quality/quality-monitor.ts";
import { qualityOptions } from "../../monitor/service.ts";

export interface Monitors {
  run(): Promise<void>;
  states(): readonly VersionState[];
}

export function createMonitors(options: {
  readonly log: EventLog;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Without a judge nothing is expected to be judged, and its absence is no finding. */
  readonly isJudged: boolean;
}): Monitors {
  const { log, store, clock, logger, environment, isJudged } = options;
  const deps = { log, store, clock, logger, holds: () => true };
  const config = loadConfig(MonitorConfig, environment);
  const quality = createQualityMonitor({
    ...deps,
    incidents: new IncidentFold(log),
    options: qualityOptions(config),
  });
  const jobs = [
    ...(isJudged ? [quality, createCoverageMonitor({ ...deps, incidents: new IncidentFold(log) })] : []),
  ];
  return {
    async run() {
      for (const job of jobs) await job.run();
    },
    states: () => quality.states(),
  };
}
