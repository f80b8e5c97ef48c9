/**
 * The process that holds the in-process ClickHouse is killed in the middle of inserts, again and again. What was
 * acknowledged must be there, and asking by offset must tell exactly what is missing of the batch in flight.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { expect, test } from "vitest";
import { BATCH_ROWS, batchRows } from "./batch-rows.ts";

const KILLS = 6;
/** Milliseconds of inserting before each kill; odd numbers, so that kills meet inserts at different points. */
const LIVES_MS = [37, 113, 211, 59, 307, 151];

test("nothing acknowledged is lost to kill -9, and a torn batch is completed by its missing offsets", async () => {
  const directory = await mkdtemp(join(tmpdir(), "plumbline-kill-"));
  let next = 0;
  let acknowledgedBatches = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await insertUntilKilled(directory, next, LIVES_MS[kill]!);
    acknowledgedBatches += acknowledged.length;

    const clickhouse = await openEmbeddedClickHouse({ path: directory });
    const store = createClickHouseStore(clickhouse);
    for (const batch of acknowledged) expect((await storedOf(store, batch)).size).toBe(BATCH_ROWS);

    const inFlight = (acknowledged.at(-1) ?? next - 1) + 1;
    const stored = await storedOf(store, inFlight);
    await store.insertCalls(batchRows(inFlight).filter((row) => !stored.has(row.log_offset)));
    expect((await storedOf(store, inFlight)).size).toBe(BATCH_ROWS);

    next = inFlight + 1;
    expect(
      await clickhouse.query(
        "SELECT uniqExact(call_id) AS calls, max(log_offset) AS end FROM plumbline_raw.calls",
      ),
    ).toEqual([{ calls: next * BATCH_ROWS, end: next * BATCH_ROWS - 1 }]);
    await store.close();
  }
  // Else the kills came before anything was promised, and the test shows nothing.
  expect(acknowledgedBatches).toBeGreaterThan(0);
  await rm(directory, { recursive: true });
}, 120_000);

function storedOf(
  store: ReturnType<typeof createClickHouseStore>,
  batch: number,
): Promise<ReadonlySet<number>> {
  const from = batch * BATCH_ROWS;
  return store.storedOffsets("calls", { log_partition: 0, from, to: from + BATCH_ROWS - 1 });
}

/** @returns the batches that the process had acknowledged when it died */
async function insertUntilKilled(
  directory: string,
  first: number,
  lifeMs: number,
): Promise<readonly number[]> {
  const script = fileURLToPath(new URL("insert-until-killed.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", script, directory, String(first)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") setTimeout(() => child.kill("SIGKILL"), lifeMs);
    else acknowledged.push(Number(line));
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return acknowledged;
}
