/** `plumbline backtest --judge llm` as a process, with a provider over HTTP that really reads the texts it is asked about. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type FakeProvider,
  type FakeReply,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import type { BacktestReport } from "@plumbline/services/local/backtest/report";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";

const DAY_MS = 86_400_000;
/** A Monday. */
const START = Date.parse("2024-01-01T00:00:00Z");
const CLI = fileURLToPath(new URL("../../packages/cli/main.ts", import.meta.url));
const KEY = "a-key-for-tests";
const folder = mkdtempSync(join(tmpdir(), "plumbline-backtest-llm-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Period {
  readonly version: string;
  readonly days: number;
  readonly perDay: number;
  /** Whether the version hides the amounts of texts that mention money. */
  readonly losesAmounts?: boolean;
}

const TOWNS = ["Lyon", "Kiel", "Oslo", "Bern", "Turin"];

/** Reports of offices, a third of them about an invoice. The towns take turns: every fifth call is of the same one. */
function writeHistory(name: string, periods: readonly Period[]): string {
  let from = START;
  let n = 0;
  const rows = periods.flatMap(({ version, days, perDay, losesAmounts = false }) => {
    const period = Array.from({ length: days * perDay }, (_, i) => {
      n += 1;
      const town = TOWNS[n % TOWNS.length]!;
      const amount = `$${1_000 + 7 * n}`;
      const isMoney = n % 3 === 0;
      const input = isMoney
        ? `The ${town} office paid the invoice of ${amount} twice. Summarise.`
        : `The ${town} office waits for ${n} chairs. Summarise.`;
      const output = isMoney
        ? `${town} paid an invoice of ${losesAmounts ? "some size" : amount} twice.`
        : `${town} waits for ${n} chairs.`;
      return {
        ts: new Date(from + (i * DAY_MS) / perDay).toISOString(),
        use_case: "office-report",
        prompt_version: version,
        model: "m",
        input,
        output,
        prompt_tokens: null,
        completion_tokens: null,
        latency_ms: null,
        label: null,
        meta: { item_id: `item-${n}` },
      };
    });
    from += days * DAY_MS;
    return period;
  });
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  return path;
}

/** Which call of the history the text is of, from 1. */
function numberOf(input: string): number {
  const amount = /\$(\d+)/.exec(input);
  return amount === null ? Number(/\d+/.exec(input)![0]) : (Number(amount[1]) - 1_000) / 7;
}

/** The two texts of the judge's question, out of their fences. */
function textsOf({ body }: FakeRequest): { readonly input: string; readonly output: string } {
  const messages = body["messages"] as readonly { role: string; content: string }[];
  const question = messages.find(({ role }) => role === "user")!.content;
  const text = (name: string): string =>
    new RegExp(`<${name}-([0-9a-f]+)>\\n([\\s\\S]*?)\\n</${name}-\\1>`).exec(question)![2]!;
  return { input: text("input"), output: text("output") };
}

/** Passes an output in which every figure of the input stands. */
function judgement(request: FakeRequest): FakeReply {
  const { input, output } = textsOf(request);
  const evidence = (input.match(/\$?\d+/g) ?? []).map((figure) => ({
    statement: `${figure} is kept`,
    supported: output.includes(figure),
    quote: figure,
  }));
  const isPass = evidence.every(({ supported }) => supported);
  return completion(
    JSON.stringify({
      evidence,
      reasoning: isPass ? "every figure is kept" : "a figure is lost",
      label: isPass ? "pass" : "fail",
      failure_type: isPass ? null : "omission",
    }),
  );
}

function completion(content: string): FakeReply {
  return {
    body: {
      choices: [{ finish_reason: "stop", message: { role: "assistant", content } }],
      usage: { prompt_tokens: 1_000, completion_tokens: 100 },
    },
  };
}

async function startJudge(reply: (request: FakeRequest) => FakeReply): Promise<FakeProvider> {
  const provider = await startFakeProvider([reply]);
  onTestFinished(() => provider.close());
  return provider;
}

interface Result {
  readonly status: number | null;
  readonly stderr: string;
  /** The last line of standard output. */
  readonly json: unknown;
}

async function backtest(
  events: string,
  baseUrl: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const args = ["backtest", "--events", events, "--judge", "llm", "--step", "240", "--json"];
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", CLI, ...args], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: {
      ...process.env,
      PLUMBLINE_JUDGE_PROVIDER: "openai",
      PLUMBLINE_JUDGE_MODEL: "judge-2026-08",
      PLUMBLINE_JUDGE_BASE_URL: baseUrl,
      PLUMBLINE_JUDGE_API_KEY: KEY,
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const last = stdout.trimEnd().split("\n").at(-1)!;
  return { status, stderr, json: last === "" ? null : JSON.parse(last) };
}

/** The report of a replay that ended well, once its sums were checked. */
function reportOf({ status, stderr, json }: Result): BacktestReport {
  expect(stderr).toContain("calls replayed");
  expect(status).toBe(0);
  const report = json as BacktestReport;
  const { sampled, scored, cannot_judge, failed, expired, over_budget, unjudged } = report.coverage;
  expect(sampled).toBe(scored + cannot_judge + failed + expired + over_budget);
  expect(unjudged).toBe(0);
  expect(report.judged).toBe(scored);
  return report;
}

function expectNoResult({ status, stderr, json }: Result, says: string): void {
  expect(stderr).toContain(`the judge openai/judge-2026-08 ${says}`);
  expect(status).toBe(5);
  expect(json).toMatchObject({ ok: false, data: null, error: { code: "unavailable" } });
  expect(stderr).not.toMatch(/QUALITY|calls replayed/);
}

const quality = ({ incidents }: BacktestReport) => incidents.filter(({ kind }) => kind === "quality");

describe("a model as the judge of a replay", () => {
  test(
    "finds the version that loses amounts, and names the slice that mentions money",
    { timeout: 300_000 },
    async () => {
      const events = writeHistory("incident.jsonl", [
        { version: "v1", days: 4, perDay: 60 },
        { version: "v2", days: 2, perDay: 60, losesAmounts: true },
      ]);
      const provider = await startJudge(judgement);
      const result = await backtest(events, `${provider.url}/v1`);
      const report = reportOf(result);

      expect(report.calls).toBe(360);
      expect(report.judged).toBe(360);
      const [incident, ...others] = quality(report);
      expect(others).toEqual([]);
      expect(incident).toMatchObject({ candidate: "v2", incumbent: "v1", metric: "faithfulness" });
      expect(incident!.detected_at >= "2024-01-05").toBe(true);
      expect(incident!.hours_since_version).toBeLessThanOrEqual(24);
      expect(incident!.effect).toBeLessThan(-0.1);
      expect(incident!.slices.map(({ name }) => name)).toContain("mentions_money");
      expect(incident!.slices[0]!.share_of_drop).toBeGreaterThan(0.7);

      expect(provider.requests).toHaveLength(360);
      expect(provider.requests[0]).toMatchObject({
        path: "/v1/chat/completions",
        headers: { authorization: `Bearer ${KEY}` },
        body: {
          model: "judge-2026-08",
          response_format: { type: "json_schema", json_schema: { strict: true } },
        },
      });
    },
  );

  test(
    "counts what the provider does not answer as failed and not as bad, and scores the rest",
    { timeout: 300_000 },
    async () => {
      const events = writeHistory("flaky.jsonl", [
        { version: "v1", days: 2, perDay: 60 },
        { version: "v2", days: 1, perDay: 60 },
      ]);
      const seen = new Set<string>();
      const provider = await startJudge((request) => {
        const { input } = textsOf(request);
        const isFirst = !seen.has(input);
        seen.add(input);
        if (isFirst && input.includes("Bern")) return { status: 503 };
        if (isFirst && input.includes("Kiel")) return { status: 429, headers: { "retry-after-ms": "30" } };
        // The first half-day of the second version: six calls of each town.
        const n = numberOf(input);
        if (n <= 120 || n > 150) return judgement(request);
        if (input.includes("Oslo")) return { status: 500, body: { error: { message: "overloaded" } } };
        if (input.includes("Turin")) return { body: "<html>Bad gateway</html>" };
        if (input.includes("Lyon")) return { body: { object: "list", data: [] } };
        if (input.includes("Kiel")) return completion("I would rather not say.");
        return judgement(request);
      });
      const report = reportOf(await backtest(events, `${provider.url}/v1`));

      expect(report.coverage).toMatchObject({ sampled: 180, failed: 18, cannot_judge: 6, scored: 156 });
      expect(quality(report)).toEqual([]);
      expect(report.inconclusive).toMatchObject([{ version: "v2", units: 36, effect: 0, interval: [0, 0] }]);
    },
  );

  test("waits for a judge that is away for seconds, and loses no call", { timeout: 300_000 }, async () => {
    const events = writeHistory("away.jsonl", [{ version: "v1", days: 1, perDay: 90 }]);
    let requests = 0;
    const provider = await startJudge((request) => {
      requests += 1;
      // About two attempts of the eight calls in flight, three tries each.
      return requests > 30 && requests <= 80 ? { breaks: true } : judgement(request);
    });
    const report = reportOf(await backtest(events, `${provider.url}/v1`));
    expect(report.coverage).toMatchObject({ sampled: 90, scored: 90 });
  });

  test.each([
    {
      name: "refuses the key",
      reply: { status: 401 },
      says: "refused: HTTP 401; check the key",
    },
    {
      name: "has no quota left today",
      reply: { status: 429, headers: { "retry-after": "86400" } },
      says: "asks for a pause of 86400 s: HTTP 429",
    },
    {
      name: "cuts every connection",
      reply: { breaks: true },
      says: "does not answer: the connection failed",
    },
    {
      name: "understands no request",
      reply: { status: 400 },
      says: "refused: HTTP 400; check the address, the key and the model",
    },
  ])(
    "a provider that $name ends the replay with code 5 and no result",
    async ({ reply, says }) => {
      const events = writeHistory("unusable.jsonl", [{ version: "v1", days: 1, perDay: 180 }]);
      const provider = await startJudge(() => reply);
      expectNoResult(await backtest(events, `${provider.url}/v1`), says);
    },
    120_000,
  );

  test(
    "a provider that is not there ends the replay with code 5 and no result",
    { timeout: 120_000 },
    async () => {
      const events = writeHistory("nobody.jsonl", [{ version: "v1", days: 1, perDay: 180 }]);
      const provider = await startFakeProvider([judgement]);
      await provider.close();
      expectNoResult(await backtest(events, `${provider.url}/v1`), "does not answer: the connection failed");
    },
  );

  test(
    "a provider that goes away for good when the version changes is no fall of its quality",
    { timeout: 120_000 },
    async () => {
      const events = writeHistory("gone.jsonl", [
        { version: "v1", days: 1, perDay: 60 },
        { version: "v2", days: 1, perDay: 60 },
      ]);
      const provider = await startJudge((request) =>
        numberOf(textsOf(request).input) > 60 ? { status: 500 } : judgement(request),
      );
      const result = await backtest(events, `${provider.url}/v1`, { PLUMBLINE_JUDGE_ATTEMPTS_MAX: "3" });
      expectNoResult(result, "does not answer: HTTP 500");
    },
  );

  test("spends a day's budget however many days are replayed", { timeout: 120_000 }, async () => {
    const events = writeHistory("budget.jsonl", [
      { version: "v1", days: 3, perDay: 30 },
      { version: "v2", days: 2, perDay: 30, losesAmounts: true },
    ]);
    const provider = await startJudge(judgement);
    // A judgement costs 0.002 dollars: 20 a day. A replay over midnight gets two days' worth.
    const report = reportOf(
      await backtest(events, `${provider.url}/v1`, {
        PLUMBLINE_JUDGE_USD_PER_MILLION_INPUT: "1",
        PLUMBLINE_JUDGE_USD_PER_MILLION_OUTPUT: "10",
        PLUMBLINE_JUDGE_USD_PER_DAY: "0.04",
        PLUMBLINE_JUDGE_CONCURRENCY: "1",
      }),
    );
    const { sampled, scored, over_budget } = report.coverage;
    expect(sampled).toBe(150);
    expect([20, 40]).toContain(scored);
    expect(over_budget).toBe(150 - scored);
    expect(provider.requests).toHaveLength(scored);
    expect(quality(report)).toEqual([]);
  });

  test("without a provider the command says which variables to set", { timeout: 60_000 }, async () => {
    const events = writeHistory("unset.jsonl", [{ version: "v1", days: 1, perDay: 2 }]);
    const { status, stderr } = await backtest(events, "http://127.0.0.1:9", { PLUMBLINE_JUDGE_PROVIDER: "" });
    expect(stderr).toContain("PLUMBLINE_JUDGE_PROVIDER");
    expect(status).toBe(3);
  });
});
