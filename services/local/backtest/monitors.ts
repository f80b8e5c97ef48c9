/** The monitor's jobs as the service runs them, without its schedule: the replay says when they look. */
import type { Clock, EventLog, Store } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import type { Logger } from "@plumbline/runtime/logger";
import { HOUR_MS } from "@plumbline/schemas";
import { MonitorConfig } from "../../monitor/config.ts";
import { createMonitorJobs } from "../../monitor/jobs.ts";
import type { VersionState } from "../../monitor/quality/watch/version-states.ts";

/** Everything of a step is stored when the jobs look, one millisecond before its end: its last hour is complete. */
const SETTLE_MS = -1;

/** Its questions cost as much as all others, and its answers are about hours without verdicts. */
const COVERAGE_EVERY_MS = 6 * HOUR_MS;

interface Monitors {
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
  const { environment, isJudged, ...deps } = options;
  const { quality, coverage, measures } = createMonitorJobs({
    ...deps,
    config: loadConfig(MonitorConfig, environment),
    holds: () => true,
    settleMs: SETTLE_MS,
  });
  let coveredAt = -Infinity;
  return {
    async run() {
      // First, because a drifting judge holds back what quality would say.
      await measures.run();
      if (!isJudged) return;
      await quality.run();
      if (deps.clock.now() - coveredAt < COVERAGE_EVERY_MS) return;
      coveredAt = deps.clock.now();
      await coverage.run();
    },
    states: () => quality.states(),
  };
}
