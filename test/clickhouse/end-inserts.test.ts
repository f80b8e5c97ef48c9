/** Inserts with which a server goes on when their sender gave up: over HTTP, on the real engine, made slow by a constraint. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { type ClickHouseFront, serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { createLogger } from "@plumbline/runtime/logger";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { batchRows } from "./batch-rows.ts";

const CALLS = "plumbline_raw.calls";
/** Longer than a sender waits here; the engine sleeps at most 3 s at a time. */
const SLEEPS = ["sleep(2.91) = 0", "sleep(2.92) = 0", "sleep(2.93) = 0"];

let path: string;
let engine: EmbeddedClickHouse;
let front: ClickHouseFront;

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-end-inserts-"));
  engine = await openEmbeddedClickHouse({ path, ingestConnections: 4, queryConnections: 4 });
  front = await serveClickHouse(engine, { logger: createLogger("test", "silent"), readOnly: false });
  await connect().migrate();
});

beforeEach(async () => {
  await engine.command(`TRUNCATE TABLE ${CALLS}`);
  for (const [i, sleep] of SLEEPS.entries())
    await engine.command(`ALTER TABLE ${CALLS} ADD CONSTRAINT IF NOT EXISTS slow_${i} CHECK ${sleep}`);
});

afterAll(async () => {
  await front.close();
  await engine.close();
  await rm(path, { recursive: true });
});

function connect(requestTimeoutMs?: number) {
  return createClickHouseStore(
    openHttpClickHouse({ url: front.url, ...(requestTimeoutMs !== undefined && { requestTimeoutMs }) }),
  );
}

async function count(sql: string): Promise<number> {
  const [row] = await engine.query(`SELECT count() AS n FROM ${sql}`);
  return Number(row?.["n"]);
}

const running = (): Promise<number> =>
  count("system.processes WHERE query LIKE 'INSERT INTO plumbline_raw.calls%'");

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** An insert whose sender has stopped waiting, and that the server still works on. */
async function leaveInsertBehind(): Promise<void> {
  const sender = connect(500);
  await expect(sender.insertCalls(batchRows(0))).rejects.toMatchObject({ code: "store_unknown" });
  await sender.close();
  expect(await running()).toBe(1);
  expect(await count(CALLS)).toBe(0);
}

test("an insert goes on when its sender gave up, and one that was ended adds no row", async () => {
  await leaveInsertBehind();
  await until(async () => (await running()) === 0);
  expect(await count(CALLS)).toBeGreaterThan(0);

  await engine.command(`TRUNCATE TABLE ${CALLS}`);
  await leaveInsertBehind();
  const next = connect();
  // Another partition's, another table's and another log's inserts are nobody's business.
  await next.endInserts("calls", { log_epoch: 0, log_partition: 1 });
  await next.endInserts("calls", { log_epoch: 1, log_partition: 0 });
  await next.endInserts("verdicts", { log_epoch: 0, log_partition: 0 });
  expect(await running()).toBe(1);
  await next.endInserts("calls", { log_epoch: 0, log_partition: 0 });
  expect(await running()).toBe(0);
  expect(await count(CALLS)).toBe(0);
  await next.close();
}, 120_000);

test("a sender whose insert another one ended verifies it before it inserts again", async () => {
  const frozen = connect();
  const inserting = expect(frozen.insertCalls(batchRows(0))).rejects.toMatchObject({ code: "store_unknown" });
  await until(async () => (await running()) === 1);
  const next = connect();
  await next.endInserts("calls", { log_epoch: 0, log_partition: 0 });
  await inserting;
  await next.close();
  await frozen.close();
}, 120_000);
