/** History replayed through the writer, the judge and the monitor: a small incident, its twin without one, and bad files. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { createLogger } from "@plumbline/runtime/logger";
import { backtest, type BacktestOptions } from "@plumbline/services/local/backtest/replay";
import { createRandom } from "@plumbline/stats";
import { afterAll, describe, expect, test } from "vitest";

const HOUR_MS = 3_600_000;
const START = Date.parse("2024-01-01T00:00:00Z");
const CLI = fileURLToPath(new URL("../../packages/cli/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "plumbline-backtest-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, lines: readonly (object | string)[], isCompressed = true): string {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const path = join(folder, name);
  writeFileSync(path, isCompressed ? gzipSync(text) : text);
  return path;
}

interface Served {
  readonly version: string;
  readonly days: number;
  readonly isDamaged: boolean;
}

/** Invoices among other questions: 120 a day, a fifth mentions money. */
function history(periods: readonly Served[], seed: number): object[] {
  const random = createRandom(seed);
  const rows: object[] = [];
  let at = START;
  let n = 0;
  for (const { version, days, isDamaged } of periods) {
    for (let i = 0; i < days * 120; i++) {
      n += 1;
      at += 24 * (HOUR_MS / 120);
      const mentionsMoney = random.uniform() < 0.2;
      const isGood = random.uniform() < (isDamaged && mentionsMoney ? 0.3 : 0.95);
      const input = mentionsMoney
        ? `Invoice ${n} says $${n}. What is owed?`
        : `Where is the office number ${n}?`;
      const output = isGood
        ? `The answer to request ${n} is here.`
        : `The answer to request ${n} is [REDACTED].`;
      const label = { quality: isGood ? 1 : 0, faithful: null, spans: null };
      const meta = { item_id: `item-${n}`, mentions_money: mentionsMoney };
      rows.push({
        ...NULLS,
        ts: new Date(at - 1).toISOString(),
        use_case: "helpdesk",
        prompt_version: version,
        model: "m",
        input,
        output,
        label,
        meta,
      });
    }
  }
  return rows;
}

/** 120 questions of very different difficulty, asked of two versions on two days each, the second worse by `drop`. */
function sameInputs(drop: number): object[] {
  const random = createRandom(11);
  return ["v1", "v2"].flatMap((version, period) =>
    Array.from({ length: 120 }, (_, i) => {
      const ease = 0.1 + 0.8 * ((i * 0.618) % 1);
      const quality = ease + 0.1 * random.uniform() - (version === "v2" ? drop : 0);
      return {
        ...NULLS,
        ts: new Date(START + (period * 120 + i) * 24 * 60_000).toISOString(),
        use_case: "report",
        prompt_version: version,
        model: "m",
        input: `What does section ${"abcdefghijkl"[i % 12]}-${Math.floor(i / 12)} say?`,
        output: "It says what it says.",
        label: { quality, faithful: null, spans: null },
      };
    }),
  );
}

const NULLS = {
  prompt_version: null,
  model: null,
  input: null,
  output: null,
  prompt_tokens: null,
  completion_tokens: null,
  latency_ms: null,
  label: null,
};

const run = (options: Partial<BacktestOptions> & { events: string }) =>
  backtest({
    judge: "labels",
    environment: {},
    logger: createLogger("backtest", "error"),
    stepMs: 4 * HOUR_MS,
    ...options,
  });

describe("a replay", () => {
  test(
    "finds the version that hurts one slice, names it, and sees the rollback",
    { timeout: 300_000 },
    async () => {
      const periods = [
        { version: "v1", days: 5, isDamaged: false },
        { version: "v2", days: 2, isDamaged: true },
        { version: "v3-rollback", days: 3, isDamaged: false },
      ];
      const events = write("incident.jsonl.gz", history(periods, 3));
      const first = await run({ events });

      const quality = first.incidents.filter((incident) => incident.kind === "quality");
      expect(quality).toHaveLength(1);
      expect(quality[0]).toMatchObject({
        use_case: "helpdesk",
        candidate: "v2",
        incumbent: "v1",
        metric: "quality",
        // Half of the money questions, all day: more than 5% of the day's calls.
        severity: "SEV1",
        verdict: "DISTRIBUTIONAL",
      });
      expect(quality[0]!.slices[0]!.name).toBe("mentions_money");
      expect(quality[0]!.slices[0]!.share_of_drop).toBeGreaterThan(0.7);
      expect(quality[0]!.hours_since_version).toBeLessThanOrEqual(24);
      expect(quality[0]!.judged_units).toBeLessThanOrEqual(120);
      expect(quality[0]!.effect).toBeLessThan(-0.05);
      expect(quality[0]!.recovered_at! > "2024-01-08").toBe(true);
      expect(first.calls).toBe(1_200);
      expect(first.judged).toBe(1_200);
      expect(first.coverage).toMatchObject({
        rate: 1,
        sampled: 1_200,
        scored: 1_200,
        unjudged: 0,
        dead_letters: 0,
      });
    },
  );

  test(
    "says nothing of a version that changed nothing but how many units would clear it, and repeats itself exactly",
    { timeout: 300_000 },
    async () => {
      const periods = [
        { version: "v1", days: 4, isDamaged: false },
        { version: "v2", days: 1, isDamaged: false },
      ];
      const options = {
        events: write("quiet.jsonl", history(periods, 5), false),
        judgeNoise: 0.1,
        stepMs: 8 * HOUR_MS,
      };
      const report = await run(options);
      expect(report.incidents).toEqual([]);
      const decided = [...report.cleared, ...report.inconclusive].filter(({ version }) => version === "v2");
      expect(decided).toHaveLength(1);
      for (const { units_needed } of report.inconclusive) expect(units_needed).toBeGreaterThan(0);
      expect(await run(options)).toEqual(report);
    },
  );

  test(
    "pairs the inputs that both versions answered: a small loss on each is a ticket, none is silence",
    { timeout: 300_000 },
    async () => {
      const worse = await run({ events: write("same-inputs.jsonl", sameInputs(0.08), false) });
      expect(worse.incidents.filter(({ kind }) => kind === "quality")).toMatchObject([
        { candidate: "v2", incumbent: "v1", severity: "SEV3", level: "ticket", paged_at: null },
      ]);
      const [ticket] = worse.incidents;
      expect(ticket!.method).toContain("paired by identical input");
      expect(ticket!.effect).toBeCloseTo(-0.08, 1);
      expect(ticket!.interval[1]).toBeLessThan(0);
      const same = await run({ events: write("same-inputs-again.jsonl", sameInputs(0), false) });
      expect(same.incidents).toEqual([]);
    },
  );

  test(
    "takes its texts from events and its times from arrivals, and events without labels are never judged as good",
    { timeout: 300_000 },
    async () => {
      const row = { ...NULLS, ts: "2024-01-01T00:00:00.000Z", use_case: "u", prompt_version: "a" };
      const events = write("plan-events.jsonl.gz", [
        { ...row, input: "one?", output: "1", meta: { item_id: "i1" } },
        { ...row, meta: { item_id: "i2" } },
      ]);
      const arrivals = write("plan.csv.gz", [
        "ts,item_id,prompt_version,output_version",
        "2024-02-01T00:10:00.000Z,i1,a,a",
        "2024-02-01T05:10:00.000Z,i2,b,a",
        "2024-02-01T05:10:00.000Z,i1,b,a",
      ]);
      const labels = await run({ events, arrivals });
      expect(labels).toMatchObject({
        calls: 3,
        judged: 0,
        incidents: [],
        cleared: [],
        coverage: { scored: 0 },
      });
      const lexical = await run({ events, arrivals, judge: "lexical", rate: 1 });
      expect(lexical.coverage.cannot_judge).toBeGreaterThan(0);
      expect(lexical.coverage.unjudged).toBe(0);
    },
  );
});

describe("the command", () => {
  const good = { ...NULLS, ts: "2024-01-01T00:00:00.000Z", use_case: "u", meta: {} };
  const plumbline = (...args: string[]) =>
    spawnSync(process.execPath, ["--conditions=source", "--import", "tsx", CLI, ...args], {
      encoding: "utf8",
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });

  test("prints one JSON object as the last line of standard output, and everything else on standard error", () => {
    const { status, stdout, stderr } = plumbline(
      "backtest",
      "--events",
      write("one.jsonl", [good], false),
      "--json",
    );
    expect(stderr).toContain("100%");
    expect(status).toBe(0);
    const report = JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as object;
    expect(Object.keys(report)).toEqual([
      "calls",
      "judged",
      "incidents",
      "cleared",
      "inconclusive",
      "coverage",
    ]);
  });

  test.each([
    { name: "no file named", args: [], code: 2, says: "required option '--events <file>'" },
    { name: "an unknown flag", args: ["--events", "x", "--arival", "y"], code: 2, says: "--arival" },
    {
      name: "a rate that is none",
      args: ["--events", "x", "--rate", "2"],
      code: 2,
      says: "above 0, at most 1",
    },
    {
      name: "an unknown judge",
      args: ["--events", "x", "--judge", "me"],
      code: 2,
      says: "labels, lexical, llm",
    },
    { name: "a file that is not there", args: ["--events", "nowhere.jsonl"], code: 4, says: "nowhere.jsonl" },
    {
      name: "a line that is no JSON",
      args: ["--events", write("text.jsonl", [good, "hello"], false)],
      code: 3,
      says: "line 2: is not JSON",
    },
    {
      name: "a field of the wrong kind",
      args: ["--events", write("field.jsonl.gz", [good, { ...good, label: { quality: 3 } }])],
      code: 3,
      says: "line 2: label.quality",
    },
    {
      name: "events out of order",
      args: ["--events", write("order.jsonl", [good, { ...good, ts: "2023-01-01T00:00:00.000Z" }], false)],
      code: 3,
      says: "line 2: ts",
    },
    {
      name: "an arrival of nothing",
      args: [
        "--events",
        write("item.jsonl", [good], false),
        "--arrivals",
        write(
          "item.csv",
          ["ts,item_id,prompt_version,output_version", "2024-01-01T00:00:00.000Z,i9,v1,v1"],
          false,
        ),
      ],
      code: 3,
      says: "line 2: item_id",
    },
    {
      name: "a damaged archive",
      args: ["--events", write("broken.jsonl.gz", ["\u001f\u008b"], false)],
      code: 3,
      says: "broken.jsonl.gz",
    },
  ])("$name ends with code $code and says where", ({ args, code, says }) => {
    const { status, stderr, stdout } = plumbline("backtest", ...args);
    expect(stderr).toContain(says);
    expect(status).toBe(code);
    expect(stdout).toBe("");
  });
});
