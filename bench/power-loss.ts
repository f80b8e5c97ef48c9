/**
 * What it costs that a loss of power takes no delivered row: syncing every part as it is inserted, against asking the
 * store at the next start what it lacks of the last minutes. Prints JSON.
 *
 *   npm run bench:power-loss
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import type { CallRow } from "@plumbline/ports";
import { LlmCall } from "@plumbline/schemas";

const BLOCKS = 20;
const BLOCK_ROWS = 5_000;
const SMALL_INSERTS = 100;
const SYNC = "fsync_after_insert = 1, fsync_part_directory = 1";

const bulk = await measure(BLOCKS, BLOCK_ROWS);
const trickle = await measure(SMALL_INSERTS, 1);
console.log(JSON.stringify({ bulk, trickle }, null, 2));

/** Inserts without and with syncs, in turns, and asks for missing offsets of everything inserted. */
async function measure(inserts: number, rows: number) {
  const plain = await insertAll(inserts, rows, false);
  const synced = await insertAll(inserts, rows, true);
  return {
    inserts,
    rows_per_insert: rows,
    insert_ms: { plain: plain.insertMs, synced: synced.insertMs },
    synced_costs_per_insert_ms: Math.round(((synced.insertMs - plain.insertMs) / inserts) * 10) / 10,
    verify_at_start: { offsets: inserts * rows, ms: plain.verifyMs },
  };
}

async function insertAll(inserts: number, rows: number, isSynced: boolean) {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-bench-"));
  const clickhouse = await openEmbeddedClickHouse({ path: folder });
  try {
    const store = createClickHouseStore(clickhouse);
    await store.migrate();
    if (isSynced) {
      for (const table of ["calls", "call_payloads"])
        await clickhouse.command(`ALTER TABLE plumbline_raw.${table} MODIFY SETTING ${SYNC}`);
    }
    const started = performance.now();
    for (let n = 0; n < inserts; n++) await store.insertCalls(rowsFrom(n * rows, rows));
    const insertMs = Math.round(performance.now() - started);
    const asked = performance.now();
    const range = { log_epoch: 0, log_partition: 0, from: 0, to: inserts * rows - 1 };
    const missing = await store.missingRuns("calls", range);
    if (missing.length > 0) throw new Error(`${missing.length} runs are missing`);
    return { insertMs, verifyMs: Math.round(performance.now() - asked) };
  } finally {
    await clickhouse.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function rowsFrom(first: number, count: number): readonly CallRow[] {
  const started_at = new Date().toISOString();
  return Array.from({ length: count }, (_, i) => {
    const offset = first + i;
    const call = LlmCall.parse({
      call_id: `01935b2e-7c4e-7000-8000-${offset.toString(16).padStart(12, "0")}`,
      started_at,
      app: "bench",
      use_case: "ticket-summary",
      prompt_version: "v1",
      model: "model-a",
      status: "ok",
      latency_ms: 100,
      input: `question ${offset} `.repeat(20),
      output: `answer ${offset} `.repeat(10),
    });
    return {
      log_partition: 0,
      log_offset: offset,
      ingested_at: started_at,
      tenant: "default",
      call,
      prompt_version: "v1",
      conversation_id: call.call_id,
      started_at,
      clock_skew_ms: 0,
      cost_usd: null,
      slices: [],
      features: {},
      is_sampled: false,
      sample_rate: 0.05,
      flags: [],
    };
  });
}
