/** `plumbline replay`: stored calls through another version, on a real store, a real registry and a provider over HTTP. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import {
  type FakeProvider,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { createRegistry } from "@plumbline/services/registry/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { race, toNewRecord, versionOf } from "../registry/commands.ts";
import { runPlumbline } from "./tail-run.ts";
import { callId, callRow, openStoreWithSql, type StoreWithSql, verdictOf } from "./tail-store.ts";

const CALLS = 40;
const START = Date.parse("2026-11-20T09:00:00Z");
const WINDOW = ["--from", "2026-11-20T09:00", "--to", "2026-11-20T11:00"];
const amountOf = (i: number): string => `$${100 + i}.50`;
const ticketOf = (i: number): string =>
  `The customer was charged ${amountOf(i)} twice on 3 May and asks for a refund of ${amountOf(i)}.`;

let store: StoreWithSql;
let provider: FakeProvider;
let registryUrl: string;
let directory: string;
const stop: (() => Promise<unknown>)[] = [];

/** The version whose instruction is "two" hides amounts. */
function answer({ body }: FakeRequest) {
  const [system, user] = body["messages"] as { content: string }[];
  const amount = /\$[\d.]+\d/.exec(user!.content)![0];
  const text = `The customer was charged ${system!.content === "two" ? "an amount" : amount} twice on 3 May.`;
  return {
    body: {
      choices: [{ message: { role: "assistant", content: text } }],
      usage: { prompt_tokens: 100, completion_tokens: 20 },
    },
  };
}

beforeAll(async () => {
  store = await openStoreWithSql();
  const rows = Array.from({ length: CALLS }, (_, i) =>
    callRow(i, START + i * 60_000, {
      prompt_version: versionOf("one"),
      output: `The customer was charged ${amountOf(i)} twice on 3 May.`,
      // Every second application captures variables, the others the input alone.
      ...(i % 2 === 0 ? { vars: { ticket: ticketOf(i) } } : { input: ticketOf(i) }),
    }),
  );
  const odd = [
    callRow(100, START, { status: "timeout", vars: { ticket: "x" } }),
    callRow(101, START, {}),
    callRow(102, START, { use_case: "other", output: "x", input: "y" }),
  ];
  await store.store.insertCalls([...rows, ...odd]);
  await store.store.insertVerdicts(
    rows.slice(0, 10).map((row, i) => ({
      log_partition: 0,
      log_offset: i,
      ingested_at: row.ingested_at,
      tenant: "default",
      verdict: verdictOf(row, 0.1),
    })),
  );
  provider = await startFakeProvider([answer]);
  const log = createMemoryEventLog({ clock: systemClock });
  await log.append("plumbline.registry", race(["two", "three"], new Date()).map(toNewRecord));
  const registry = createRegistry({
    log,
    clock: systemClock,
    logger: createLogger("test", "silent"),
    port: 0,
    followMs: 10,
  });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  registryUrl = await registry.url;
  directory = await mkdtemp(join(tmpdir(), "plumbline-replay-"));
  stop.push(
    () => store.close(),
    () => provider.close(),
    () => rm(directory, { recursive: true }),
    async () => {
      abort.abort();
      await running;
    },
  );
});

afterAll(async () => {
  for (const each of stop) await each();
});

const replay = (...args: string[]) =>
  runPlumbline(["replay", "ticket-summary", "--sql", store.sqlUrl, ...WINDOW, ...args], {
    directory,
    environment: {
      PLUMBLINE_REGISTRY_URL: registryUrl,
      PLUMBLINE_PROVIDER_OPENAI_URL: `${provider.url}/v1`,
      PLUMBLINE_PROVIDER_OPENAI_USD_PER_MILLION_INPUT: "10",
      PLUMBLINE_PROVIDER_OPENAI_USD_PER_MILLION_OUTPUT: "10",
    },
  });

async function data(...args: string[]) {
  const run = await replay(...args, "--json");
  expect(run.stderr).toBe("");
  expect(run.exitCode).toBe(0);
  return JSON.parse(run.stdout).data;
}

test("a version that hides amounts is shown to be worse, one that keeps them is not", async () => {
  const before = provider.requests.length;
  const worse = await data("--version", "v2");
  expect(provider.requests.length - before).toBe(CALLS);
  expect(worse).toMatchObject({
    replayed: CALLS,
    found: { calls: CALLS + 2, unanswered: 1, without_texts: 1 },
    input_used: CALLS / 2,
    judge: "lexical, no LLM",
    scores: { worse: CALLS, better: 0 },
  });
  expect(worse.scores.interval[1]).toBeLessThan(0);
  expect(worse.cost_usd).toBeCloseTo((CALLS * 120 * 10) / 1e6, 10);
  const same = await data("--version", `ticket-summary@${versionOf("three").slice(7, 19)}`);
  expect(same.scores).toMatchObject({ difference: 0, worse: 0, better: 0 });
});

test("people read both scores, the interval, what was left out, and the calls that lost", async () => {
  const { stdout } = await replay("--version", "v2", "--limit", "30");
  expect(stdout).toContain("30 of 42 calls replayed, faithfulness judged by lexical, no LLM");
  expect(stdout).toContain("1 call without an answer");
  expect(stdout).toContain("1 call without stored input and output");
  expect(stdout).toMatch(/difference +-0\.\d+ \[-[\d.]+, -[\d.]+\] {2}worse/);
  expect(stdout).toContain(`${callId(0).slice(0, 24)}`);
});

test("the sample of a window is the same each time, and --out holds both answers for its owner alone", async () => {
  const first = await data("--version", "v2", "--limit", "5", "--out", "a.jsonl");
  const second = await data("--version", "v2", "--limit", "5");
  const ids = (report: { calls: { call_id: string }[] }) => report.calls.map(({ call_id }) => call_id);
  expect(ids(first)).toEqual(ids(second));
  expect(JSON.stringify(first)).not.toContain("refund");
  const file = join(directory, "a.jsonl");
  const [line] = (await readFile(file, "utf8")).split("\n");
  expect(JSON.parse(line!)).toMatchObject({
    output_before: expect.stringContaining("$1"),
    output_after: expect.stringContaining("an amount"),
    input: { ticket: expect.stringContaining("refund") },
  });
  expect((await stat(file)).mode & 0o077).toBe(0);
});

test("with --judge alone nothing is asked of the provider: the stored scores stand beside the new ones", async () => {
  const before = provider.requests.length;
  const report = await data("--judge", "lexical");
  expect(provider.requests.length).toBe(before);
  expect(report).toMatchObject({ replayed: 10, cost_usd: 0, scores: { better: 10 } });
  expect(report.scores.before).toBeCloseTo(0.1, 10);
});

test("the budget ends the replay before it costs more, and says how much is left undone", async () => {
  const report = await data("--version", "v2", "--max-cost", "0.06");
  expect(report.is_budget_spent).toBe(true);
  expect(report.replayed).toBeGreaterThan(0);
  expect(report.skipped.not_asked).toBe(CALLS - report.replayed);
  expect(report.cost_usd).toBeLessThanOrEqual(0.06);
});

test("nothing in production changes", async () => {
  const count = async () =>
    (
      await fetch(
        `${store.sqlUrl}/?query=${encodeURIComponent("SELECT (SELECT count() FROM plumbline_raw.calls), (SELECT count() FROM plumbline_raw.verdicts)")}`,
      )
    ).text();
  const before = await count();
  await data("--version", "v2", "--limit", "5");
  expect(await count()).toBe(before);
});

test.each([
  [[], 2, "Give --version, --judge, or both"],
  [["--version", "v9"], 4, "has no version v9"],
  [
    ["--version", "v2", "--from", "2026-11-01", "--to", "2026-11-02"],
    4,
    "There are no calls of ticket-summary",
  ],
  [["--version", "v2", "--from", "2026-11-22"], 2, "--from must be before --to"],
  [["--version", "v2", "--rubric", "tone"], 4, "no rubric tone"],
  [["--judge", "openai"], 3, "needs a model"],
  [["--version", "v2", "--limit", "0"], 2, "--limit"],
])("%j ends with exit code %d", async (args, exitCode, text) => {
  const run = await replay(...args);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stderr).toContain(text);
});
