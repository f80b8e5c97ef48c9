/**
 * What the monitor costs: the slice search at its largest, and one cycle over a thousand use cases on the real
 * engine in-process, after a start and after a restart. Every judged conversation must be counted once.
 *
 *   npm run bench:monitor [-- --json]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { CallRow, Store } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { LlmCall } from "@plumbline/schemas";
import { createPredicateTable, createRandom, explainDrop } from "@plumbline/stats";
import { MonitorConfig } from "../services/monitor/config.ts";
import { createMonitorJobs } from "../services/monitor/jobs.ts";

const SEARCH_ROWS = 50_000;
const SEARCH_PREDICATES = 300;
const USE_CASES = 1_000;
/** Judged calls of each use case: three days of the old version, then hours of the new one. */
const OLD_UNITS = 120;
const NEW_UNITS_PER_HOUR = 10;
const NEW_HOURS = 3;
const SLICES = Array.from({ length: 30 }, (_, i) => `slice-${i}`);
const HOUR_MS = 3_600_000;

const sliceSearchSeconds = searchSlices();
const path = await mkdtemp(join(tmpdir(), "plumbline-bench-monitor-"));
const store = createClickHouseStore(await openEmbeddedClickHouse({ path }));
await store.migrate();

const clock = new VirtualClock("2026-03-05T00:00:00Z");
const log = createMemoryEventLog({ clock });
const random = createRandom(1);
let made = 0;

await serve("v1", clock.now() - 72 * HOUR_MS, 71 * HOUR_MS, OLD_UNITS);
const first = createMonitors();
const startSeconds = await secondsOf(() => first.run());
const cycles: number[] = [];
for (let hour = 0; hour < NEW_HOURS; hour++) {
  await serve("v2", clock.now(), HOUR_MS - 60_000, NEW_UNITS_PER_HOUR);
  await clock.advance(HOUR_MS);
  cycles.push(await secondsOf(() => first.run()));
}
const repeatSeconds = await secondsOf(() => first.run());
const second = createMonitors();
const restartSeconds = await secondsOf(() => second.run());

const expected = NEW_UNITS_PER_HOUR * NEW_HOURS;
let lost = 0;
let duplicated = 0;
for (const monitors of [first, second]) {
  const counted = monitors.states().filter((state) => state.prompt_version === "v2");
  lost += (USE_CASES - counted.length) * expected;
  for (const { units } of counted) {
    lost += Math.max(0, expected - units);
    duplicated += Math.max(0, units - expected);
  }
}
const result = {
  slice_search_seconds: round(sliceSearchSeconds),
  cycle_seconds: round(Math.max(...cycles)),
  repeat_cycle_seconds: round(repeatSeconds),
  start_seconds: round(startSeconds),
  restart_seconds: round(restartSeconds),
  use_cases: USE_CASES,
  rss_mb: Math.round(process.memoryUsage().rss / 1e6),
  lost,
  duplicated,
};
await store.close();
await rm(path, { recursive: true, force: true });
for (const [name, value] of Object.entries(result)) process.stderr.write(`${name.padEnd(24)} ${value}\n`);
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(result)}\n`);

function createMonitors() {
  const logger = createLogger("bench", "silent");
  const config = loadConfig(MonitorConfig, {});
  const { quality, coverage } = createMonitorJobs({ store, log, clock, logger, config, holds: () => true });
  return {
    states: () => quality.states(),
    async run(): Promise<void> {
      await quality.run();
      await coverage.run();
    },
  };
}

/** The same number of sampled and judged calls for every use case, spread evenly. */
async function serve(version: string, startMs: number, spanMs: number, units: number): Promise<void> {
  const rows: CallRow[] = [];
  for (let useCase = 0; useCase < USE_CASES; useCase++) {
    for (let i = 0; i < units; i++)
      rows.push(callRow(`use-case-${useCase}`, version, startMs + Math.floor((i / units) * spanMs)));
  }
  await store.insertCalls(rows);
  await store.insertVerdicts(rows.map(verdictRow));
}

function callRow(useCase: string, version: string, startedMs: number): CallRow {
  const id = made++;
  const startedAt = new Date(startedMs).toISOString();
  const call = LlmCall.parse({
    call_id: `01935b2e-7c4e-7000-8000-${id.toString(16).padStart(12, "0")}`,
    started_at: startedAt,
    app: "bench",
    use_case: useCase,
    prompt_version: version,
    model: "m",
    status: "ok",
    latency_ms: 900,
  });
  return {
    log_partition: 0,
    log_offset: id,
    ingested_at: startedAt,
    tenant: "default",
    call,
    prompt_version: version,
    conversation_id: `c${id}`,
    started_at: startedAt,
    clock_skew_ms: 0,
    cost_usd: null,
    slices: SLICES.filter(() => random.uniform() < 0.3),
    features: {},
    is_sampled: true,
    sample_rate: 0.05,
    flags: [],
  };
}

function verdictRow(row: CallRow): Parameters<Store["insertVerdicts"]>[0][number] {
  const passes = random.uniform() < 0.92;
  return {
    log_partition: 0,
    log_offset: row.log_offset,
    ingested_at: row.ingested_at,
    verdict: {
      call_id: row.call.call_id,
      tenant: row.tenant,
      env: row.call.env,
      use_case: row.call.use_case,
      prompt_version: row.prompt_version,
      model: row.call.model,
      conversation_id: row.conversation_id,
      started_at: row.started_at,
      criterion: "faithfulness",
      is_guardrail: true,
      rubric_hash: "sha256:r",
      judge: "bench",
      state: "scored",
      label: passes ? "pass" : "fail",
      score: passes ? 1 : 0,
      reason: "",
      failure_type: null,
      judged_at: new Date(Date.parse(row.started_at) + 30_000).toISOString(),
      latency_ms: 1,
      cost_usd: null,
      slices: [...row.slices],
      sample_rate: row.sample_rate,
    },
  };
}

/** Predicates that hold for a tenth of the units on average, one of which carries the drop. */
function searchSlices(): number {
  const draws = createRandom(2);
  const predicates = Array.from({ length: SEARCH_PREDICATES }, (_, p) => ({
    name: `p${p}`,
    rows: [] as number[],
  }));
  const scores: number[] = [];
  for (let row = 0; row < SEARCH_ROWS; row++) {
    for (const [p, predicate] of predicates.entries()) {
      if (draws.uniform() < (0.2 * (p + 1)) / SEARCH_PREDICATES) predicate.rows.push(row);
    }
    const isHit = predicates[SEARCH_PREDICATES - 1]!.rows.at(-1) === row;
    scores.push(draws.uniform() < (isHit ? 0.45 : 0.92) ? 1 : 0);
  }
  const baseline = scores.map(() => 0.92);
  const started = performance.now();
  const table = createPredicateTable(SEARCH_ROWS, predicates);
  const { kind, slices } = explainDrop(table, { baseline, scores, referenceRows: SEARCH_ROWS, seed: 1 });
  const seconds = (performance.now() - started) / 1000;
  if (kind !== "distributional" || slices[0]?.names.join() !== `p${SEARCH_PREDICATES - 1}`) {
    throw new Error(`the planted slice was not found: ${kind}, ${slices[0]?.names.join()}`);
  }
  return seconds;
}

async function secondsOf(run: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
