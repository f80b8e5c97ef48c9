import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from "./embedded.ts";

describe("ClickHouse in-process", () => {
  let path: string;
  let clickhouse: EmbeddedClickHouse;

  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), "plumbline-embedded-"));
    // One connection each, so that every statement meets what the one before may have left behind.
    clickhouse = await openEmbeddedClickHouse({ path, ingestConnections: 1, queryConnections: 1 });
    await clickhouse.command("CREATE DATABASE d");
    await clickhouse.command("CREATE TABLE d.numbers (n UInt64) ENGINE = MergeTree ORDER BY n");
  });

  afterAll(async () => {
    await clickhouse.close();
    await rm(path, { recursive: true });
  });

  test("settings of one statement don't reach the next", async () => {
    const changed =
      "SELECT name FROM system.settings WHERE changed AND name IN ('max_result_rows', 'async_insert')";
    await clickhouse.insert({
      table: "d.numbers",
      columns: ["n"],
      format: "JSONCompactEachRow" as const,
      bytes: Buffer.from("[7]\n"),
    });
    await clickhouse.query("SELECT 1 AS one");
    const bytes = await clickhouse.execute(changed, "JSONEachRow");
    expect(Buffer.from(bytes).toString().trim()).toBe("");
  });

  test("equal rows inserted twice are two rows: nothing is dropped for looking like a repeat", async () => {
    const block = {
      table: "d.numbers",
      columns: ["n"],
      format: "JSONCompactEachRow" as const,
      bytes: Buffer.from("[8]\n"),
    };
    await clickhouse.insert(block);
    await clickhouse.insert(block);
    expect(await clickhouse.query("SELECT count() AS rows FROM d.numbers WHERE n = 8")).toEqual([
      { rows: 2 },
    ]);
  });

  test("rows of a query that failed halfway don't begin the next answer", async () => {
    const failing =
      "SELECT throwIf(number = 3) + number AS n FROM system.numbers LIMIT 10 SETTINGS max_block_size = 1";
    for (let i = 0; i < 5; i++) {
      await expect(clickhouse.execute(failing, "JSONEachRow")).rejects.toMatchObject({ clickhouseCode: 395 });
      expect(await clickhouse.query("SELECT 42 AS n")).toEqual([{ n: 42 }]);
    }
  });

  test("a query over its limits is refused instead of taking the machine", async () => {
    const error: unknown = await clickhouse
      .query("SELECT number FROM system.numbers LIMIT 1000001")
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ clickhouseCode: 396 });
  });

  test("a slow query on one connection doesn't hold up another", async () => {
    const pooled = await openEmbeddedClickHouse({ path, queryConnections: 2 });
    let isSlowDone = false;
    const slow = pooled.query("SELECT sleep({s:Float64}) AS slept", { s: 1 }).then(() => (isSlowDone = true));
    expect(await pooled.query("SELECT {n:UInt8} AS n", { n: 1 })).toEqual([{ n: 1 }]);
    expect(isSlowDone).toBe(false);
    await slow;
    await pooled.close();
  });

  test("twenty inserts at once are all stored", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        clickhouse.insert({
          table: "d.numbers",
          columns: ["n"],
          format: "JSONCompactEachRow" as const,
          bytes: Buffer.from(`[${1000 + i}]\n`),
        }),
      ),
    );
    expect(await clickhouse.query("SELECT count() AS rows FROM d.numbers WHERE n >= 1000")).toEqual([
      { rows: 20 },
    ]);
  });

  test("a second process is told which directory is taken, and by whom", async () => {
    const module = fileURLToPath(new URL("embedded.ts", import.meta.url));
    const script = `
      import { openEmbeddedClickHouse } from ${JSON.stringify(module)};
      await openEmbeddedClickHouse({ path: process.argv[1], holderWaitMs: 0 }).catch((error) => console.log(error.code, error.message));
    `;
    const args = ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script, path];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe(
      `store_locked ${path} is in use by another process (pid ${process.pid}): stop it first, or choose another data directory`,
    );
  });

  test("after close every call is refused", async () => {
    const closed = await openEmbeddedClickHouse({ path });
    await closed.close();
    await expect(closed.query("SELECT 1 AS one")).rejects.toMatchObject({ code: "store_config" });
  });
});
