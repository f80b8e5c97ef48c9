import { createLogger } from "@plumbline/runtime/logger";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from "./embedded.ts";
import {
  type ClickHouseFront,
  serveClickHouse,
  STATEMENT_BYTES_MAX,
  STATEMENT_WORDS_MAX,
} from "./http-front.ts";
import { READER_QUEUE_MAX, READERS } from "./reader.ts";
import { migrate } from "./migrate.ts";

const logger = createLogger("test", "silent");

let path: string;
let engine: EmbeddedClickHouse;
let reader: ClickHouseFront;
let writer: ClickHouseFront;

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-front-"));
  engine = await openEmbeddedClickHouse({ path });
  await migrate(engine);
  reader = await serveClickHouse(engine, { logger });
  writer = await serveClickHouse(engine, { logger, readOnly: false });
});

afterAll(async () => {
  await reader.close();
  await writer.close();
  await engine.close();
  await rm(path, { recursive: true });
});

async function ask(sql: string, parameters: Record<string, string> = {}) {
  const response = await fetch(
    `${reader.url}/?${new URLSearchParams({ query: sql, ...parameters }).toString()}`,
  );
  return {
    status: response.status,
    code: response.headers.get("x-clickhouse-exception-code"),
    text: (await response.text()).trim(),
  };
}

describe("the front answers as ClickHouse does", () => {
  test("a ping, a question in the address and one in the body", async () => {
    expect(await (await fetch(`${reader.url}/ping`)).text()).toBe("Ok.\n");
    expect(await ask("SELECT 1 AS n, 'x'")).toEqual({ status: 200, code: null, text: "1\tx" });
    const post = await fetch(reader.url, { method: "POST", body: "SELECT 2 AS n FORMAT JSONEachRow" });
    expect(post.headers.get("x-clickhouse-format")).toBe("JSONEachRow");
    expect(await post.text()).toBe('{"n":2}\n');
  });

  test("a compressed body", async () => {
    const headers = { "Content-Encoding": "gzip" };
    const response = await fetch(reader.url, { method: "POST", body: gzipSync("SELECT 3"), headers });
    expect(await response.text()).toBe("3\n");
  });

  test("parameters, as escaped text", async () => {
    const sql = "SELECT {a:String}, {b:Array(UInt8)}";
    expect((await ask(sql, { param_a: "it's\\ta", param_b: "[1,2]" })).text).toBe("it\\'s\\ta\t[1,2]");
  });

  test.each([
    { name: "a syntax error", sql: "SELECT FROM WHERE", status: 400, code: "62" },
    { name: "an unknown table", sql: "SELECT 1 FROM plumbline.nothing", status: 404, code: "60" },
    { name: "a parameter without a value", sql: "SELECT {a:String}", status: 400, code: "62" },
  ])("$name is an exception with code $code", async ({ sql, status, code }) => {
    const answer = await ask(sql);
    expect(answer).toMatchObject({ status, code });
    expect(answer.text).toMatch(new RegExp(`^Code: ${code}\\. DB::Exception: `));
  });

  test("@clickhouse/client writes and reads through it", async () => {
    const client = createClient({ url: writer.url, log: { level: ClickHouseLogLevel.OFF } });
    await client.command({ query: "CREATE TABLE plumbline_raw.probe (n UInt8, s String) ENGINE = Memory" });
    await client.insert({
      table: "plumbline_raw.probe",
      values: [{ n: 1, s: "ä\0" }],
      format: "JSONEachRow",
    });
    const rows = await client.query({
      query: "SELECT s FROM plumbline_raw.probe WHERE n = {n:UInt8}",
      query_params: { n: 1 },
      format: "JSONEachRow",
    });
    expect(await rows.json()).toEqual([{ s: "ä\0" }]);
    await expect(client.command({ query: "SELECT FROM WHERE" })).rejects.toMatchObject({ code: "62" });
    await client.close();
  });

  test("a name that merely resolves here is refused", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { Host: "attacker.example" };
      request(`${reader.url}/?query=SELECT%201`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

describe("the read-only front", () => {
  test.each([
    "SELECT count() FROM calls_v1",
    "WITH 1 AS x SELECT x",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "SHOW TABLES FROM plumbline",
    "DESCRIBE plumbline.calls_v1",
    "EXPLAIN SELECT 1",
    "SELECT 'a; DROP TABLE x; file(' -- comment ; INTO OUTFILE",
    "SELECT `call_id`, \"event_at\" FROM plumbline.calls_v1 WHERE attributes['Größe'] = 'x' LIMIT 1;",
    "SELECT number FROM numbers(3)",
    "SELECT name FROM system.settings WHERE changed",
  ])("answers %s", async (sql) => {
    expect(await ask(sql)).toMatchObject({ status: 200 });
  });

  test.each([
    "DROP TABLE plumbline_raw.calls",
    "/* SELECT */ DROP TABLE plumbline_raw.calls",
    "SELECT 1; DROP TABLE plumbline_raw.calls",
    "SELECT 1;;",
    "INSERT INTO plumbline_raw.probe SELECT 1",
    "WITH 1 AS x INSERT INTO plumbline_raw.schema_migrations (name) SELECT 'x'",
    "ALTER TABLE plumbline_raw.calls DELETE WHERE 1",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)",
    "SELECT file('/etc/hostname')",
    "SELECT FILE/**/('/etc/hostname')",
    "SELECT `file`('/etc/hostname')",
    "SELECT \"f\\x69le\"('/etc/hostname')",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT arrayMap(file, ['/etc/hostname'])",
    "SELECT * FROM eval('SELECT file(\\'/etc/hostname\\')')",
    "SELECT * FROM `eval` ('SELECT 1')",
    "SELECT * FROM merge('default', '.*')",
    "SELECT * FROM cluster('default', 'system', 'one')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/a', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', 'plumbline_raw.calls')",
    "SELECT * FROM executable('id', 'LineAsString', 'line String')",
    "SELECT * FROM sqlite('/etc/hostname', 'x')",
    "SELECT * FROM `/etc/hostname`",
    "SELECT * FROM '/etc/hostname'",
    "SELECT * FROM default.`/etc/hostname`",
    'SELECT * FROM "default".hostname',
    "SELECT * FROM `d\\x65fault`.`x`",
    "SELECT 1 INTO OUTFILE '/tmp/plumbline-front-outfile'",
    "SELECT 1 INTO /* */ outfile '/tmp/plumbline-front-outfile'",
    "SELECT \u2018 ' \u2019, file('/etc/hostname'), ' '",
    "SELECT $$ ' $$, file('/etc/hostname'), ' '",
    "SELECT 1 # '\n, file('/etc/hostname') -- '",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "USE default",
    "EXPLAIN INSERT INTO plumbline_raw.schema_migrations (name) SELECT 'x'",
    "BACKUP DATABASE plumbline_raw TO File('x')",
    "",
  ])("refuses %s", async (sql) => {
    const answer = await ask(sql);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.text).toMatch(/^Code: \d+\. DB::Exception: /);
    await expect(stat("/tmp/plumbline-front-outfile")).rejects.toThrow("ENOENT");
  });

  test("every table function of the engine but a few harmless ones is refused", async () => {
    const names = await engine.query("SELECT name FROM system.table_functions");
    const answered: string[] = [];
    for (const { name } of names) {
      const answer = await ask(`SELECT * FROM ${String(name)}('127.0.0.1:1', 'a', 'b', 'c') LIMIT 1`);
      if (answer.code !== "164") answered.push(String(name));
    }
    expect(names.length).toBeGreaterThan(50);
    expect(answered.toSorted()).toEqual(
      "format generateRandom generateSeries generate_series null numbers numbers_mt primes values view"
        .split(" ")
        .toSorted(),
    );
  });

  test("a parameter can't carry a name past the check", async () => {
    const answer = await ask("SELECT * FROM {d:Identifier}.{t:Identifier}", {
      param_d: "default",
      param_t: "x",
    });
    expect(answer).toMatchObject({ status: 403, code: "164" });
  });

  test("refusals say what to do", async () => {
    expect((await ask("DROP TABLE x")).text).toBe(
      "Code: 164. DB::Exception: this endpoint is read-only: a statement begins with " +
        "SELECT, WITH, SHOW, DESCRIBE, DESC, EXPLAIN, EXISTS. (READONLY)",
    );
  });
});

describe("one statement never stops another", () => {
  /** Runs for minutes unless something ends it. */
  const ENDLESS = "SELECT sum(sipHash64(number, sipHash64(number))) FROM numbers(1000000000000)";

  async function running(): Promise<number> {
    const [row] = await engine.query(
      "SELECT count() AS running FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'",
    );
    return Number(row!["running"]);
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  test("a statement whose reader is gone is cancelled, whether it runs or waits; one too many is told to wait", async () => {
    const gone = new AbortController();
    const ask = () => fetch(`${reader.url}/`, { method: "POST", body: ENDLESS, signal: gone.signal });
    const statuses: number[] = [];
    const asked = Array.from({ length: 24 }, () =>
      ask().then(
        (response) => void statuses.push(response.status),
        () => undefined,
      ),
    );
    await until(
      async () => (await running()) === READERS && statuses.length === 24 - READERS - READER_QUEUE_MAX,
    );
    expect(new Set(statuses)).toEqual(new Set([429]));
    gone.abort();
    await Promise.all(asked);
    await until(async () => (await running()) === 0);
    expect(await (await fetch(`${reader.url}/?query=SELECT+1`)).text()).toBe("1\n");
  }, 60_000);

  test("HEAD is answered as GET is, without the body; other methods are told which ones there are", async () => {
    for (const path of ["/", "/ping", "/?query=SELECT+1", "/?query=SELEC", "/nothing"]) {
      const get = await fetch(`${reader.url}${path}`);
      const head = await fetch(`${reader.url}${path}`, { method: "HEAD" });
      expect({ path, status: head.status }).toEqual({ path, status: get.status });
      expect(await head.text()).toBe("");
    }
    const put = await fetch(reader.url, { method: "PUT" });
    expect(put.status).toBe(405);
    expect(put.headers.get("allow")).toBe("GET, HEAD, POST");
  });

  test.each([
    ["terms", `SELECT ${Array.from({ length: 60_000 }, () => "1").join("+")}`],
    ["terms with a parameter", `SELECT {a:String}, ${"1,".repeat(60_000)} 1`],
    ["parentheses", `SELECT ${"(".repeat(60_000)}1${")".repeat(60_000)}`],
  ])("a statement of a hundred thousand %s is refused before it is read through", async (_name, body) => {
    const answer = await fetch(`${reader.url}/?param_a=x`, { method: "POST", body });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(`at most ${STATEMENT_WORDS_MAX} words and symbols`);
    // What people write is far below: a list of 5,000 ids.
    const ids = `SELECT 1 IN (${Array.from({ length: 5_000 }, (_, i) => `'${i}'`).join(",")})`;
    expect((await fetch(reader.url, { method: "POST", body: ids })).status).toBe(200);
  });

  test("a statement over the limit is refused, and so is what becomes one", async () => {
    const headers = { "Content-Encoding": "gzip" };
    const bomb = await fetch(reader.url, { method: "POST", body: gzipSync("(".repeat(48_000_000)), headers });
    expect(bomb.status).toBe(413);
    const body = await fetch(reader.url, {
      method: "POST",
      body: `SELECT '${"x".repeat(STATEMENT_BYTES_MAX)}'`,
    });
    expect(body.status).toBe(413);
    const places = await fetch(`${reader.url}/?param_a=${"x".repeat(10_000)}`, {
      method: "POST",
      body: `SELECT ${"{a:String},".repeat(10_000)} 1`,
    });
    expect(places.status).toBe(400);
  });

  test.each(["//", "/?query_id=%0a", "/%", "/?query=%E0%A4%A", "/?param_=x&query=SELECT+1", "/..//\\?#"])(
    "%s is answered, and the next request as well",
    async (target) => {
      const { hostname, port } = new URL(reader.url);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request({ hostname, port, path: target }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
      expect(status).toBeLessThan(500);
      expect((await fetch(`${reader.url}/ping`)).status).toBe(200);
    },
  );

  test("no page of another site is answered, a link from one included", async () => {
    const from = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${reader.url}/?query=SELECT%201`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    expect(await from({ "sec-fetch-site": "cross-site", "sec-fetch-dest": "script" })).toBe(403);
    expect(await from({ "sec-fetch-site": "same-site" })).toBe(403);
    expect(
      await from({
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      }),
    ).toBe(403);
    expect(await from({ origin: "https://attacker.example" })).toBe(403);
    expect(await from({ "sec-fetch-site": "none" })).toBe(200);
  });
});
