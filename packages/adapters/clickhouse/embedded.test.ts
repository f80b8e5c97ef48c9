import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
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

describe("after a loss of power", () => {
  /** Runs statements in a process of its own: the engine has one folder a process. */
  async function inProcess(path: string, body: string): Promise<string> {
    const module = fileURLToPath(new URL("embedded.ts", import.meta.url));
    const script = `
      import { openEmbeddedClickHouse } from ${JSON.stringify(module)};
      const logger = { info: () => {}, warn: ({ part }, message) => console.log(message, part) };
      const clickhouse = await openEmbeddedClickHouse({ path: process.argv[1], logger });
      ${body}
    `;
    const args = ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script, path];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  }

  test.each([
    { file: "skp_idx_by_n.cmrk4", isFoundByEngine: false },
    { file: "data.bin", isFoundByEngine: false },
    { file: "data.cmrk4", isFoundByEngine: true },
    { file: "checksums.txt", isFoundByEngine: false },
  ])(
    "damage to $file of a merged part: it is set aside, and what it was merged from answers",
    async ({ file, isFoundByEngine }) => {
      const path = await mkdtemp(join(tmpdir(), "plumbline-damaged-"));
      onTestFinished(() => rm(path, { recursive: true }));
      const written = await inProcess(
        path,
        `await clickhouse.command("CREATE DATABASE d");
         await clickhouse.command("CREATE TABLE d.n (n UInt64, INDEX by_n n TYPE minmax) ENGINE = MergeTree ORDER BY n SETTINGS old_parts_lifetime = 480");
         for (let i = 0; i < 4; i++)
           await clickhouse.command(\`INSERT INTO d.n SELECT number + \${i * 1000} FROM numbers(1000)\`);
         await clickhouse.command("OPTIMIZE TABLE d.n FINAL");
         const [part] = await clickhouse.query("SELECT path FROM system.parts WHERE database = 'd' AND active");
         console.log(part.path);
         process.kill(process.pid, "SIGKILL");`,
      ).catch((error: { stdout: string }) => error.stdout);
      const damaged = join(written.trim(), file);
      if (file === "checksums.txt") await rm(damaged);
      else await writeFile(damaged, Buffer.alloc((await stat(damaged)).size));
      const read = await inProcess(
        path,
        `const [rows] = await clickhouse.query("SELECT count() AS rows, max(n) AS most FROM d.n WHERE n >= 0");
         const [{ name }] = await clickhouse.query("SELECT name FROM system.detached_parts WHERE database = 'd'");
         console.log(JSON.stringify({ ...rows, name }));
         await clickhouse.close();`,
      );
      const lines = read.trim().split("\n");
      expect(JSON.parse(lines.pop()!)).toEqual({
        rows: 4000,
        most: 3999,
        name: expect.stringMatching(/^broken.*all_1_4_1/),
      });
      // The engine finds some by itself, as it loads them.
      expect(lines).toEqual(
        isFoundByEngine ? [] : [expect.stringMatching(/^clickhouse.part_set_aside .*all_1_4_1$/)],
      );
    },
  );

  test("a part that a merge has taken away keeps no damaged one from being found", async () => {
    const path = await mkdtemp(join(tmpdir(), "plumbline-merges-"));
    onTestFinished(() => rm(path, { recursive: true }));
    const module = fileURLToPath(new URL("damaged-parts.ts", import.meta.url));
    const written = await inProcess(
      path,
      `await clickhouse.command("CREATE DATABASE d");
       await clickhouse.command("CREATE TABLE d.n (n UInt64) ENGINE = MergeTree ORDER BY n PARTITION BY n % 2");
       for (const n of [0, 1]) await clickhouse.command(\`INSERT INTO d.n VALUES (\${n})\`);
       const [part] = await clickhouse.query("SELECT path FROM system.parts WHERE database = 'd' AND partition = '0'");
       console.log(part.path);
       await clickhouse.close();`,
    );
    const damaged = join(written.trim(), "data.bin");
    await writeFile(damaged, Buffer.alloc((await stat(damaged)).size));
    const read = await inProcess(
      path,
      `const { setAsideDamagedParts } = await import(${JSON.stringify(module)});
       const taken = { table: "d.n", name: "1_9_9_0", path: "/taken/away/" };
       let isFirst = true;
       const query = async (sql) => {
         const parts = await clickhouse.query(sql);
         if (!isFirst) return parts;
         isFirst = false;
         return [taken, ...parts.map((part) => ({ ...part, table: "d.n" }))];
       };
       await setAsideDamagedParts({ ...clickhouse, query }, logger);
       console.log(JSON.stringify(await clickhouse.query("SELECT n FROM d.n")));
       await clickhouse.close();`,
    );
    expect(read.trim().split("\n")).toEqual(["clickhouse.part_set_aside 0_1_1_0", '[{"n":1}]']);
  });

  test("a folder with more damaged parts than the engine's own bound opens, and its other parts answer", async () => {
    const path = await mkdtemp(join(tmpdir(), "plumbline-many-"));
    onTestFinished(() => rm(path, { recursive: true }));
    const written = await inProcess(
      path,
      `await clickhouse.command("CREATE DATABASE d");
       await clickhouse.command("CREATE TABLE d.n (n UInt64) ENGINE = MergeTree ORDER BY n");
       await clickhouse.command("SYSTEM STOP MERGES d.n");
       for (let i = 0; i < 110; i++) await clickhouse.command(\`INSERT INTO d.n VALUES (\${i})\`);
       console.log(JSON.stringify(await clickhouse.query("SELECT path FROM system.parts WHERE database = 'd'")));
       await clickhouse.close();`,
    );
    const parts = JSON.parse(written) as { path: string }[];
    for (const part of parts.slice(0, 105)) await rm(join(part.path, "data.bin"));
    const read = await inProcess(
      path,
      `console.log(JSON.stringify(await clickhouse.query("SELECT count() AS rows FROM d.n")));
       await clickhouse.close();`,
    );
    expect(JSON.parse(read)).toEqual([{ rows: 5 }]);
  });

  test("parts that are whole stay, and nothing is read again after a close", async () => {
    const path = await mkdtemp(join(tmpdir(), "plumbline-whole-"));
    onTestFinished(() => rm(path, { recursive: true }));
    const make = `await clickhouse.command("CREATE DATABASE IF NOT EXISTS d");
      await clickhouse.command("CREATE TABLE IF NOT EXISTS d.n (n UInt64) ENGINE = MergeTree ORDER BY n");
      await clickhouse.command("INSERT INTO d.n VALUES (1)");
      console.log(JSON.stringify(await clickhouse.query("SELECT count() AS rows FROM d.n")));`;
    await inProcess(path, `${make} process.kill(process.pid, "SIGKILL");`).catch(() => undefined);
    expect(await readdir(path)).toContain("open");
    expect((await inProcess(path, `${make} await clickhouse.close();`)).trim()).toBe('[{"rows":2}]');
    expect(await readdir(path)).not.toContain("open");
  });
});
