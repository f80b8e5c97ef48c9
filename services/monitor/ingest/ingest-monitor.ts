/**
 * Raises an incident when records of the log are in no table: what was acknowledged is lost, or not stored yet although
 * the writer went past it. One incident a topic; it ends when a later scan of the same hours finds nothing.
 */
import type { IncidentFold } from "@plumbline/alerts";
import type { Clock, EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { type CoverageDetection, HOUR_MS } from "@plumbline/schemas";
import { appendDetectedOnce, appendRecovered, closedGap } from "../report/append-incident.ts";
import { coverageDetection } from "../coverage/coverage-detection.ts";
import { findLostRecords, type IngestScan, type LostRecords, type ScanDeps } from "./find-lost-records.ts";
import { iso } from "../units/series.ts";

/** Batches finished in this time are looked at, every time: rows may be lost after they were stored. */
const WINDOW_MS = 6 * HOUR_MS;
/** A batch is looked at this long after it was noted: dead letters take their own way to the store. */
const SETTLE_MS = 2 * 60_000;

export interface IngestMonitorDeps extends ScanDeps {
  readonly log: ScanDeps["log"] & Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  readonly holds: (useCase: string) => boolean;
  /** Takes the result of each scan, for metrics. */
  readonly onScan?: ((scan: IngestScan) => void) | undefined;
}

export interface IngestMonitor {
  run(): Promise<void>;
}

export function createIngestMonitor(deps: IngestMonitorDeps): IngestMonitor {
  const { clock, logger, incidents } = deps;

  return {
    async run() {
      // One replica does it for all partitions: it is one query and, as a rule, nothing else.
      if (!deps.holds("plumbline.calls")) return;
      const now = clock.now();
      const window = { start: iso(now - WINDOW_MS), end: iso(now - SETTLE_MS) };
      const scan = await findLostRecords(deps, window);
      const { offsets, unchecked, lost } = scan;
      deps.onScan?.(scan);
      if (unchecked > 0) logger.warn({ offsets, unchecked }, "monitor.ingest_unchecked");
      await incidents.refresh();
      const topics = new Map<string, LostRecords[]>();
      for (const each of lost) topics.set(each.topic, [...(topics.get(each.topic) ?? []), each]);
      for (const [topic, partitions] of topics) await assertLoss(topic, partitions, scan, window, now);
      if (unchecked === 0) await assertEnds(topics, scan, now);
    },
  };

  async function assertLoss(
    topic: string,
    partitions: readonly LostRecords[],
    { offsets }: IngestScan,
    window: { readonly start: string; readonly end: string },
    now: number,
  ): Promise<void> {
    logger.error({ topic, partitions }, "monitor.records_lost");
    await appendDetectedOnce(toDetection(topic, partitions, offsets, window), now, deps);
  }

  async function assertEnds(
    topics: ReadonlyMap<string, unknown>,
    { offsets }: IngestScan,
    now: number,
  ): Promise<void> {
    for (const incident of incidents.standing("coverage")) {
      const { detection } = incident;
      const isLoss = detection.evidence.measure === "stored_share";
      if (!isLoss || topics.has(detection.use_case)) continue;
      const current = { ...closedGap(offsets), units: offsets, mean: 1, interval: [1, 1] as const };
      await appendRecovered(incident, "gap_closed", current, now, deps);
    }
  }
}

function toDetection(
  topic: string,
  partitions: readonly LostRecords[],
  offsets: number,
  window: { readonly start: string; readonly end: string },
): CoverageDetection {
  const lost_records = partitions.reduce((sum, each) => sum + each.records, 0);
  // About the log, not a use case: nobody knows whose records are in no table.
  return coverageDetection(
    { tenant: "all", env: "all", use_case: topic },
    {
      evidence: { measure: "stored_share", lost_records, partitions: [...partitions] },
      calls: offsets,
      units: Math.max(0, offsets - lost_records),
      value: Math.max(0, 1 - lost_records / Math.max(offsets, lost_records)),
      window,
      method: "every offset of the log accounted for",
    },
  );
}
