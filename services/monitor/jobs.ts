/**
 * The monitor's jobs: they read the store on a schedule in the service, and step by step in a replay. Each folds the
 * incidents for itself, so none waits for another.
 */
import { IncidentFold } from "@plumbline/alerts";
import type { Clock, EventLog, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import {
  type CanaryMonitor,
  type CanaryMonitorDeps,
  type CanaryOptions,
  createCanaryMonitor,
} from "./canary/canary-monitor.ts";
import type { MonitorConfig } from "./config.ts";
import {
  type CoverageMonitor,
  type CoverageMonitorDeps,
  createCoverageMonitor,
} from "./coverage/coverage-monitor.ts";
import { createIngestMonitor, type IngestMonitor, type IngestMonitorDeps } from "./ingest/ingest-monitor.ts";
import { createMeasuresMonitor, type MeasuresDeps, type MeasuresMonitor } from "./measures/monitor.ts";
import { RegistryView } from "./deploys/registry-view.ts";
import {
  createQualityMonitor,
  type QualityMonitor,
  type QualityOptions,
  type QualityStore,
} from "./quality/quality-monitor.ts";

/** Drops of up to one point are ignored. */
const CANARY_DELTA = 0.01;

export interface JobDeps {
  readonly log: EventLog;
  readonly store: Pick<
    Store,
    | keyof QualityStore
    | keyof CoverageMonitorDeps["store"]
    | keyof IngestMonitorDeps["store"]
    | keyof MeasuresDeps["store"]
    | keyof CanaryMonitorDeps["store"]
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: MonitorConfig;
  /** holds returns true for the use cases of this replica. */
  readonly holds: (useCase: string) => boolean;
  /** An hour of calls is complete this long after its end, ms; see the measures. */
  readonly settleMs?: number;
  /** Takes the result of each scan for lost records; for metrics. */
  readonly onScan?: IngestMonitorDeps["onScan"];
}

interface MonitorJobs {
  readonly quality: QualityMonitor;
  readonly coverage: CoverageMonitor;
  readonly ingest: IngestMonitor;
  readonly measures: MeasuresMonitor;
  readonly canary: CanaryMonitor;
}

export function createMonitorJobs({ config, settleMs, onScan, ...shared }: JobDeps): MonitorJobs {
  const deps = () => ({ ...shared, incidents: new IncidentFold(shared.log) });
  const registry = new RegistryView(shared.log);
  const measures = createMeasuresMonitor({
    ...deps(),
    registry,
    ...(settleMs === undefined ? {} : { settleMs }),
  });
  return {
    quality: createQualityMonitor({
      ...deps(),
      registry,
      options: qualityOptions(config),
      // As of the measures' last run: half of a diagnosis is what did not change.
      normal: (useCase, version) => measures.normal(useCase, version),
    }),
    coverage: createCoverageMonitor({ ...deps(), zones: registry }),
    ingest: createIngestMonitor({ ...deps(), onScan }),
    measures,
    canary: createCanaryMonitor({ ...deps(), registry, options: canaryOptions(config) }),
  };
}

function canaryOptions(config: MonitorConfig): CanaryOptions {
  return {
    margin: config.PLUMBLINE_MONITOR_CANARY_MARGIN,
    delta: Math.min(CANARY_DELTA, config.PLUMBLINE_MONITOR_CANARY_MARGIN / 2),
    windowMs: config.PLUMBLINE_MONITOR_CANARY_WINDOW_MINUTES * 60_000,
  };
}

function qualityOptions(config: MonitorConfig): QualityOptions {
  const { PLUMBLINE_MONITOR_SLO: slo } = config;
  return {
    alpha: config.PLUMBLINE_MONITOR_ALPHA,
    tickets: config.PLUMBLINE_MONITOR_TICKETS === "on",
    falseAlarmsPerYear: config.PLUMBLINE_MONITOR_FALSE_PAGES_PER_YEAR,
    pinnedSlices: config.PLUMBLINE_PINNED_SLICES,
    ...(slo === undefined ? {} : { slo }),
  };
}
