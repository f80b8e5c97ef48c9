/** The newest scan for lost records, as metrics. */
import type { Clock } from "@plumbline/ports";
import { onScrape, setGauge } from "@plumbline/runtime/metrics";
import type { IngestScan } from "./find-lost-records.ts";

interface ScanMetrics {
  /** Takes the result of each scan. */
  readonly note: (scan: IngestScan) => void;
  close(): void;
}

/**
 * Another replica may do the next scan: a result is shown for three periods.
 *
 * @param periodMs between two scans
 */
export function createScanMetrics(clock: Clock, periodMs: number): ScanMetrics {
  let latest: { readonly scan: IngestScan; readonly at: number } | null = null;
  const recent = (): IngestScan | null =>
    latest !== null && clock.monotonic() - latest.at <= 3 * periodMs ? latest.scan : null;
  const ends = [
    onScrape("ingest_gap", () => {
      // A topic without a finished batch in the window has no value: nothing was looked at.
      for (const topic of recent()?.topics ?? []) {
        const lost = recent()?.lost.filter((each) => each.topic === topic) ?? [];
        setGauge(
          "ingest_gap",
          { topic },
          lost.reduce((sum, { records }) => sum + records, 0),
        );
      }
    }),
    onScrape("ingest_unchecked_records", () => {
      const scan = recent();
      if (scan !== null) setGauge("ingest_unchecked_records", {}, scan.unchecked);
    }),
  ];
  return {
    note: (scan) => {
      latest = { scan, at: clock.monotonic() };
    },
    close: () => {
      for (const end of ends) end();
    },
  };
}
