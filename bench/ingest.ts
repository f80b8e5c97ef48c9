/**
 * Events a second and rows a CPU-second of the whole local path, log → writer with enrichment → ClickHouse, beside the
 * engine's own ceiling in the same run; then what an idle process costs and what 2,000 events a second do to memory.
 *
 *   npm run bench:ingest [-- --json]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { createEmitter } from "@plumbline/emitter";
import { createRandom } from "@plumbline/stats";
import { measureIngest, round } from "./ingest-path.ts";
import { startLocal } from "./local-process.ts";
import { appendSample, sampleCall } from "./sample-call.ts";

const EVENTS = 200_000;
/** After its start a process looks around once and collects the garbage of that; idle is what comes after. */
const SETTLE_MS = 60_000;
const IDLE_MS = 20_000;
const LOAD_SECONDS = 30;
const LOAD_PER_SECOND = 2_000;

const folder = await mkdtemp(join(tmpdir(), "plumbline-bench-log-"));
const log = await openLmdbEventLog({ path: folder, clock: systemClock });
const appended = await appendSample(log, EVENTS, 1, Date.now());
const ingest = await measureIngest(log, appended);
await log.close();
await rm(folder, { recursive: true, force: true });

const local = await startLocal();
await systemClock.sleep(SETTLE_MS);
const cpuBefore = local.cpuSeconds();
await systemClock.sleep(IDLE_MS);
const idleCpuPercent = round(((local.cpuSeconds() - cpuBefore) / (IDLE_MS / 1000)) * 100, 2);

const emitter = createEmitter({ url: local.urls.collector, app: "bench" });
const random = createRandom(2);
let rssMb = local.rssMb();
const loadStarted = performance.now();
for (let sent = 0; sent < LOAD_SECONDS * LOAD_PER_SECOND;) {
  const due = Math.floor(((performance.now() - loadStarted) / 1000) * LOAD_PER_SECOND);
  for (; sent < Math.min(due, LOAD_SECONDS * LOAD_PER_SECOND); sent++) {
    const { call_id: _, app: __, ...call } = sampleCall(random, sent, Date.now());
    emitter.emit(call as Parameters<typeof emitter.emit>[0]);
  }
  rssMb = Math.max(rssMb, local.rssMb());
  await systemClock.sleep(20);
}
const { acknowledged } = await emitter.flush(30_000);
await systemClock.sleep(3_000);
const [stored] = await local.query(
  "SELECT count() AS all_rows, uniqExact(call_id) AS calls FROM plumbline_raw.calls",
);
await emitter.close();
await local.stop();

const result = {
  ...ingest,
  append_events_per_second: Math.round(EVENTS / appended.seconds),
  idle_cpu_percent: idleCpuPercent,
  rss_mb: rssMb,
  load_acknowledged: acknowledged,
  lost: ingest.lost + (LOAD_SECONDS * LOAD_PER_SECOND - Number(stored?.["calls"])),
  duplicated: ingest.duplicated + (Number(stored?.["all_rows"]) - Number(stored?.["calls"])),
};
for (const [name, value] of Object.entries(result)) process.stderr.write(`${name.padEnd(30)} ${value}\n`);
process.stdout.write(`${process.argv.includes("--json") ? JSON.stringify(result) : ""}\n`);
