/** `plumbline tail` on the store of local mode, through its SQL endpoint. */
import { createServer } from "node:http";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { Clock } from "@plumbline/ports";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runPlumbline } from "./tail-run.ts";
import { callId, callRow, openStoreWithSql, type StoreWithSql, verdictOf } from "./tail-store.ts";

const VERSION = `sha256:${"4f1c9a2b77d0".padEnd(64, "0")}`;
const NOW = Date.now();
/** Stands still, so that what lies within `--since` does not depend on how long the test takes. */
const clock: Clock = { ...systemClock, now: () => NOW };

let store: StoreWithSql;

beforeAll(async () => {
  store = await openStoreWithSql();
  const rows = [
    callRow(1, NOW - 50_000, { prompt_version: VERSION }),
    callRow(2, NOW - 40_000, {
      prompt_version: VERSION,
      status: "timeout",
      error_type: "http_529",
      path: "error",
    }),
    callRow(3, NOW - 30_000, { use_case: "it's; DROP TABLE x --\\" }),
    callRow(4, NOW - 3_600_000, { env: "staging" }),
  ];
  await store.store.insertCalls(rows);
  await store.store.insertVerdicts(
    [0.9, 0.4, 0.5].map((score, i) => ({
      log_partition: 0,
      log_offset: i,
      ingested_at: rows[i]!.ingested_at,
      tenant: "default",
      verdict: verdictOf(rows[i]!, score),
    })),
  );
});

afterAll(() => store.close());

async function tail(...args: string[]) {
  const run = await runPlumbline(["tail", "--sql", store.sqlUrl, "--no-follow", "--json", ...args], {
    clock,
  });
  expect(run.stderr).toBe("");
  expect(run.exitCode).toBe(0);
  const rows: { call_id: string; [key: string]: unknown }[] = run.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  return { rows, ids: rows.map(({ call_id }) => call_id) };
}

test("the past comes oldest first, bounded by --since and --limit, the newest kept", async () => {
  expect((await tail()).ids).toEqual([callId(1), callId(2), callId(3)]);
  expect((await tail("--limit", "2")).ids).toEqual([callId(2), callId(3)]);
  expect((await tail("--since", "2h")).ids[0]).toBe(callId(4));
  expect((await tail("--since", "35s")).ids).toEqual([callId(3)]);
});

test.each([
  [["--failed"], [2]],
  [
    ["--version", "ticket-summary@4f1c9a2b77d0"],
    [1, 2],
  ],
  [["--version", VERSION, "--failed"], [2]],
  [["--env", "staging", "--since", "2h"], [4]],
  [["--use-case", "nothing"], []],
  [["--score", "<0.5"], [2]],
  [
    ["--score", "<=0.5"],
    [2, 3],
  ],
  [["--score", ">0.5"], [1]],
])("%j leaves calls %j", async (args, expected) => {
  expect((await tail(...args)).ids).toEqual(expected.map(callId));
});

test("what a user types is a value, whatever is in it", async () => {
  const { ids } = await tail("--use-case", "it's; DROP TABLE x --\\");
  expect(ids).toEqual([callId(3)]);
  expect((await tail("--use-case", "' OR 1=1 --")).ids).toEqual([]);
});

test("what a caller wrote neither moves the cursor, nor writes the clipboard, nor begins a line of its own", async () => {
  const hostile = "x\u001b]52;c;aGk=\u0007\u009b2J\u202e\nforged line";
  await store.store.insertCalls([
    callRow(5, NOW - 20_000, { env: "hostile", status: "error", error_type: hostile }),
  ]);
  const args = ["tail", "--sql", store.sqlUrl, "--no-follow", "--env", "hostile", "--since", "2h"];
  for (const format of [[], ["--json"]]) {
    const { stdout } = await runPlumbline([...args, ...format]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  }
  const [line = ""] = (await runPlumbline([...args, "--json"])).stdout.split("\n");
  expect(JSON.parse(line)).toMatchObject({ error_type: hostile });
});

test("for people each call is a line that names version, outcome, latency and call", async () => {
  const { stdout } = await runPlumbline(["tail", "--sql", store.sqlUrl, "--no-follow", "--failed"]);
  expect(stdout).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}ticket-summary@4f1c9a2b77d0 {2}timeout \(http_529\)/,
  );
  expect(stdout).toContain("by error  812 ms  400 tokens in, 90 out  $0.001200  gpt-5-mini");
  const all = await runPlumbline(["tail", "--sql", store.sqlUrl, "--no-follow", "--since", "2h"]);
  expect(all.stdout).toMatch(/ {2}ticket-summary untagged {2}ok {2}/);
  const scored = await runPlumbline(["tail", "--sql", store.sqlUrl, "--no-follow", "--score", "<0.5"]);
  expect(scored.stdout).toContain("faithfulness 0.40  the amount is missing  judged by lexical, no LLM");
});

test("a call that is stored while following appears once, and ctrl-c ends it with exit code 0", async () => {
  const followed = (n: number, at: number) => callRow(n, at, { use_case: "followed" });
  await store.store.insertCalls([followed(9, NOW - 30_000), followed(10, NOW - 20_000)]);
  // Call 11 is stored after a newer one, as happens between partitions.
  const arriving = [followed(12, NOW), followed(11, NOW - 5_000), followed(13, NOW + 1)];
  const interrupt = new AbortController();
  const ids: string[] = [];
  const { exitCode, stderr } = await runPlumbline(
    ["tail", "--sql", store.sqlUrl, "--json", "--use-case", "followed", "--limit", "1"],
    {
      signal: interrupt.signal,
      onOutput(text) {
        ids.push(JSON.parse(text).call_id);
        const next = arriving[ids.length - 1];
        if (next === undefined) interrupt.abort();
        else void store.store.insertCalls([next]);
      },
    },
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(ids).toEqual([10, 12, 11, 13].map(callId));
});

test("an endpoint that is not there, or is something else, says so with exit code 5 and the next step", async () => {
  const gone = await runPlumbline(["tail", "--no-follow"], {
    environment: { PLUMBLINE_SQL_URL: "http://127.0.0.1:9" },
  });
  expect(gone.exitCode).toBe(5);
  expect(gone.stderr).toContain("http://127.0.0.1:9 cannot be reached");
  expect(gone.stderr).toContain("Next: ");
  const server = createServer((_request, response) => void response.end("<html>")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const other = await runPlumbline(["tail", "--sql", `http://127.0.0.1:${port}`, "--no-follow", "--json"]);
  server.close();
  expect(other.exitCode).toBe(5);
  expect(JSON.parse(other.stdout)).toMatchObject({ ok: false, error: { code: "unexpected-answer" } });
});

test("user and password of the address travel as headers and are not shown", async () => {
  let seen: unknown;
  const server = createServer((request, response) => {
    seen = [request.headers["x-clickhouse-user"], request.headers["x-clickhouse-key"]];
    response
      .writeHead(403, { "x-clickhouse-exception-code": "516" })
      .end("Code: 516. Authentication failed\n");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const run = await runPlumbline(["tail", "--sql", `http://ann:s%2Fcret@127.0.0.1:${port}`, "--no-follow"]);
  server.close();
  expect(seen).toEqual(["ann", "s/cret"]);
  expect(run.exitCode).toBe(6);
  expect(run.stderr).not.toContain("cret");
});

test.each([
  [["--score", "low"], "--score"],
  [["--since", "ten"], "--since"],
  [["--limit", "-1"], "--limit"],
  [["--sql", "clickhouse:9000"], "HTTP interface"],
  [["--version", "v3"], "--use-case"],
  [["--failed", "--score", "<1"], "exclude each other"],
])("%j is a usage error that names what is wrong", async (args, text) => {
  const { exitCode, stderr } = await runPlumbline(["tail", ...args]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(text);
});
