/** The incident of lost records: asserted once however often the scan finds them, over when a scan finds nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IncidentFold, renderMessage } from "@plumbline/alerts";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Clock } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { scrape } from "@plumbline/runtime/metrics";
import { WriterConfig } from "../../writer/config.ts";
import { createEnrichment } from "../../writer/calls/enrich-call.ts";
import { createWriter } from "../../writer/service.ts";
import { expect, onTestFinished, test, vi } from "vitest";
import { createIngestMonitor } from "./ingest-monitor.ts";
import { createScanMetrics } from "./scan-metrics.ts";

const logger = createLogger("ingest", "silent");
/** What was written an hour ago is settled. */
const earlier: Clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };

test("rows that vanish after they were stored are one incident, which ends when they are back", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-ingest-"));
  const clickhouse = await openEmbeddedClickHouse({ path: folder });
  const store = createClickHouseStore(clickhouse);
  await store.migrate();
  const log = createMemoryEventLog({ clock: earlier, partitions: 1 });
  const stop = new AbortController();
  const writer = createWriter({
    log,
    store,
    clock: earlier,
    logger,
    enrichment: createEnrichment(loadConfig(WriterConfig, {})),
  }).run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await writer;
    await store.close();
    await rm(folder, { recursive: true });
  });

  const events = Array.from({ length: 100 }, (_, n) => ({
    call_id: `0198f3a0-0000-7000-8000-${String(n).padStart(12, "0")}`,
    started_at: new Date(earlier.now()).toISOString(),
    app: "a",
    use_case: "u",
    model: "m",
    // Every tenth can't become a row, and every eleventh is one that was sent before.
    status: n % 10 === 9 ? "unheard-of" : "ok",
    latency_ms: 1,
  }));
  const sent = [...events, ...events.filter((_, n) => n % 11 === 0)];
  await log.append(
    "plumbline.calls",
    sent.map((event) => ({
      key: event.call_id,
      value: new TextEncoder().encode(JSON.stringify(event)),
    })),
  );
  const count = async (): Promise<unknown> =>
    (await clickhouse.query("SELECT count() AS rows FROM plumbline.calls_v1"))[0]?.["rows"];
  const noted = async (): Promise<unknown> =>
    (await clickhouse.query("SELECT max(to_offset) AS end FROM plumbline_raw.ingest_audit"))[0]?.["end"];
  await vi.waitFor(async () => expect([await count(), await noted()]).toEqual([90, sent.length - 1]), {
    timeout: 60_000,
  });

  const incidents = new IncidentFold(log);
  const metrics = createScanMetrics(systemClock, 300_000);
  onTestFinished(() => metrics.close());
  const gap = async (): Promise<string | undefined> =>
    /^plumbline_ingest_gap\{topic="plumbline.calls"\} (\d+)$/m.exec((await scrape()).text)?.[1];
  const monitor = createIngestMonitor({
    store,
    log,
    clock: systemClock,
    logger,
    incidents,
    holds: () => true,
    onScan: metrics.note,
  });
  const kinds = async (): Promise<readonly string[]> => {
    await incidents.refresh();
    return (await log.read("plumbline.incidents", 0, 0, { recordsMax: 100 })).map(
      ({ value }) => (JSON.parse(new TextDecoder().decode(value)) as { type: string }).type,
    );
  };
  await monitor.run();
  expect([await gap(), await kinds()]).toEqual(["0", []]);

  // What a power cut does to parts that were not synced.
  await clickhouse.command("CREATE TABLE kept ENGINE = Memory AS SELECT * FROM plumbline_raw.calls");
  await clickhouse.command(
    "ALTER TABLE plumbline_raw.calls DELETE WHERE log_offset >= 20 AND log_offset < 40 SETTINGS mutations_sync = 2",
  );
  await monitor.run();
  await monitor.run();
  // 18 calls, and the repeats of two of them: no record of those calls is stored any more.
  expect(await gap()).toBe("20");
  expect(await kinds()).toEqual(["detected"]);
  const [incident] = incidents.open("coverage");
  expect(incident?.detection).toMatchObject({
    severity: "SEV2",
    use_case: "plumbline.calls",
    metric: { name: "stored_share" },
    evidence: { lost_records: 20, partitions: [{ log_partition: 0, first_offset: 20, last_offset: 103 }] },
  });
  const text = JSON.stringify(renderMessage(incident!, { runbooks_url: null, console_url: null }));
  expect(text).toContain("plumbline.calls: 20 records were not stored");
  expect(text).not.toContain("judging");

  await clickhouse.command(
    "INSERT INTO plumbline_raw.calls SELECT * FROM kept WHERE log_offset >= 20 AND log_offset < 40",
  );
  await monitor.run();
  expect(await gap()).toBe("0");
  expect(await kinds()).toEqual(["detected", "recovered"]);
});
