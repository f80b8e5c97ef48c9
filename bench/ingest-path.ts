import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse, type EmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { readCursor } from "@plumbline/services/writer/delivery/cursor";
import { createEnrichment } from "@plumbline/services/writer/calls/enrich-call";
import { createWriter } from "@plumbline/services/writer/service";
import type { Appended } from "./sample-call.ts";

export interface IngestMeasure {
  readonly events: number;
  readonly seconds: number;
  readonly events_per_second: number;
  readonly rows_per_cpu_second: number;
  /** The engine alone: INSERT SELECT of the same rows, calls and payloads, in the same process. */
  readonly ceiling_rows_per_cpu_second: number;
  /** rows_per_cpu_second over the ceiling. */
  readonly ratio: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly bytes_per_event: number;
}

/** Longest wait for the writer, ms: a bench that hangs says so. */
const LIMIT_MS = 300_000;
/** Looks in a row that must find no merge running: between two merges the engine rests for less than a second. */
const QUIET_LOOKS = 5;
const LOOK_MS = 200;

/** Measures log → writer with enrichment → ClickHouse on a log that holds `appended` and nothing else. */
export async function measureIngest(log: EventLog, appended: Appended): Promise<IngestMeasure> {
  const { events, bytes } = appended;
  const folder = await mkdtemp(join(tmpdir(), "plumbline-bench-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
  const store = createClickHouseStore(clickhouse);
  await store.migrate();
  const writer = createWriter({
    log,
    store,
    clock: systemClock,
    logger: createLogger("bench", "error"),
    enrichment: createEnrichment({
      PLUMBLINE_JUDGE_SAMPLE_RATIO: 0.05,
      PLUMBLINE_SAMPLING_EPOCH: "1",
      PLUMBLINE_PINNED_SLICES: [],
    }),
  });

  const stop = new AbortController();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const running = writer.run(stop.signal);
  // A writer that fails must not leave the bench waiting.
  running.catch(() => stop.abort());
  await untilWritten(log, events, stop.signal);
  const seconds = (performance.now() - started) / 1000;
  await untilMerged(clickhouse);
  const cpuSeconds = cpuSecondsSince(cpu);
  stop.abort();
  await running;

  const [counts] = await clickhouse.query(
    "SELECT count() AS all_rows, uniqExact(call_id) AS calls, uniqExact(log_partition, log_offset) AS offsets FROM plumbline_raw.calls",
  );
  const ceiling = await measureCeiling(clickhouse, events);
  const rowsPerCpuSecond = events / cpuSeconds;
  await store.close();
  await clickhouse.close();
  await rm(folder, { recursive: true, force: true });
  return {
    events,
    seconds: round(seconds, 2),
    events_per_second: Math.round(events / seconds),
    rows_per_cpu_second: Math.round(rowsPerCpuSecond),
    ceiling_rows_per_cpu_second: Math.round(ceiling),
    ratio: round(rowsPerCpuSecond / ceiling, 3),
    lost: events - Number(counts?.["calls"]),
    duplicated: Number(counts?.["all_rows"]) - Number(counts?.["calls"]),
    bytes_per_event: Math.round(bytes / events),
  };
}

async function untilWritten(log: EventLog, count: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!signal.aborted) {
    let committed = 0;
    for (const { partition, high } of await log.watermarks("plumbline.calls")) {
      const of = { log, group: "writer", topic: "plumbline.calls" as const, partition };
      const cursor = await readCursor(of, high, Date.now());
      committed += cursor.kind === "idle" ? cursor.next : 0;
    }
    if (committed >= count) return;
    if (performance.now() > deadline)
      throw new Error(`only ${committed} of ${count} were written within ${LIMIT_MS} ms`);
    await systemClock.sleep(20);
  }
}

/**
 * The engine merges parts in the background. Whoever made them pays for that: on both sides of the ratio it is waited
 * for and counted, or the one measured second would pay for the one measured first.
 */
async function untilMerged(clickhouse: EmbeddedClickHouse): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    if (performance.now() > deadline) throw new Error(`merges did not end within ${LIMIT_MS} ms`);
    await systemClock.sleep(LOOK_MS);
    const [merges] = await clickhouse.query("SELECT count() AS running FROM system.merges");
    quiet = Number(merges?.["running"]) === 0 ? quiet + 1 : 0;
  }
}

/** Rows a CPU-second when the engine does nothing but copy what the writer wrote into equal tables. */
async function measureCeiling(clickhouse: EmbeddedClickHouse, rows: number): Promise<number> {
  const tables = ["calls", "call_payloads"];
  for (const table of tables)
    await clickhouse.command(`CREATE TABLE plumbline_raw.${table}_copy AS plumbline_raw.${table}`);
  const cpu = process.cpuUsage();
  for (const table of tables) {
    await clickhouse.command(
      `INSERT INTO plumbline_raw.${table}_copy SELECT * FROM plumbline_raw.${table} SETTINGS max_insert_threads = 1`,
    );
  }
  await untilMerged(clickhouse);
  return rows / cpuSecondsSince(cpu);
}

export function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
