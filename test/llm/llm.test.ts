/**
 * A real language model as judge and as a prompt's model, not a script: the service, `plumbline eval` and `plumbline
 * replay` on fifty labelled summaries. The model is small and judges badly; what is tested is that everything adds up.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createJudge } from "@plumbline/adapters/llm/create-judge";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { EventLog, JudgingProgress } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { Verdict } from "@plumbline/schemas";
import { createRegistry } from "@plumbline/services/registry/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { judgeChoice, JudgeChoiceConfig, JudgeConfig } from "../../services/judge/config.ts";
import { DEFAULT_RUBRICS } from "../../services/judge/default-rubric.ts";
import { createJudgeService } from "../../services/judge/service.ts";
import { createEnrichment } from "../../services/writer/calls/enrich-call.ts";
import { WriterConfig } from "../../services/writer/config.ts";
import { createWriter } from "../../services/writer/service.ts";
import { type Run, runPlumbline } from "../scenarios/tail-run.ts";
import { callId, callRow, openStoreWithSql, type StoreWithSql } from "../scenarios/tail-store.ts";
import { labelledCases } from "./cases.ts";
import { type Passed, startCountingProxy } from "./counting-proxy.ts";
import { type LlmServer, openLlm } from "./install-llm.ts";

const USE_CASE = "paper-summary";
const MINUTE_MS = 60_000;
/** Of the judge's first question; one that was cut is asked with twice as many. */
const JUDGE_TOKENS = 160;
const ANSWER_TOKENS = 48;
const PROMPT = `---
model: openai/local
config: { temperature: 0, max_tokens: ${ANSWER_TOKENS} }
input: { schema: { text: string } }
plumbline.owner: team:a
plumbline.eval: evals/${USE_CASE}.jsonl
plumbline.rubrics: [faithfulness]
---
{{role "system"}}
Summarise the text in one sentence.
{{role "user"}}
{{text}}
`;
const RUBRIC = "version: 1\ncriterion: Every claim of the output is supported by the input.\npass_if: 0.8\n";

const cases = labelledCases();
if (cases === null) console.warn("SKIPPED: shared/data/open/judgecal_summedits_a.events.jsonl.gz is absent");

const logger = createLogger("llm", "silent");
const stop = new AbortController();
const closing: (() => Promise<unknown>)[] = [];
let llm: LlmServer;
let proxy: Awaited<ReturnType<typeof startCountingProxy>>;
let store: StoreWithSql;
let log: EventLog;
let project: string;
let environment: Readonly<Record<string, string>>;
/** A little before all of it. */
const startedAt = systemClock.now() - 10 * MINUTE_MS;

beforeAll(async () => {
  if (cases === null) return;
  llm = await openLlm();
  closing.push(() => llm.close());
  proxy = await startCountingProxy(llm.url);
  closing.push(() => proxy.close());
  store = await openStoreWithSql();
  closing.push(() => store.close());
  log = createMemoryEventLog({ clock: systemClock });
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 });
  const writer = createWriter({
    log,
    store: store.store,
    clock: systemClock,
    logger,
    enrichment: createEnrichment(loadConfig(WriterConfig, {})),
  });
  const running = Promise.all([registry.run(stop.signal), writer.run(stop.signal)]);
  closing.push(() => running);
  environment = {
    PLUMBLINE_ACTOR: "ann",
    PLUMBLINE_REGISTRY_URL: await registry.url,
    PLUMBLINE_SQL_URL: store.sqlUrl,
    PLUMBLINE_PROVIDER_OPENAI_URL: proxy.url,
    PLUMBLINE_PROVIDER_OPENAI_USD_PER_MILLION_INPUT: "0",
    PLUMBLINE_PROVIDER_OPENAI_USD_PER_MILLION_OUTPUT: "0",
    PLUMBLINE_JUDGE_PROVIDER: "openai",
    PLUMBLINE_JUDGE_MODEL: llm.model,
    PLUMBLINE_JUDGE_BASE_URL: proxy.url,
    PLUMBLINE_JUDGE_OUTPUT_TOKENS: String(JUDGE_TOKENS),
    PLUMBLINE_JUDGE_USD_PER_MILLION_INPUT: "0",
    PLUMBLINE_JUDGE_USD_PER_MILLION_OUTPUT: "0",
  };
  project = await writeProject();
  closing.push(() => rm(project, { recursive: true }));
});

afterAll(async () => {
  stop.abort();
  for (const close of closing.reverse()) await close();
});

async function writeProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-llm-"));
  for (const name of ["prompts", "evals", "rubrics"]) await mkdir(join(folder, name));
  const lines = cases!.map(({ id, input }) =>
    JSON.stringify({
      vars: { text: input },
      assert: [{ type: "llm-rubric", value: "rubric:faithfulness" }],
      metadata: { id, added: new Date(startedAt).toISOString().slice(0, 10) },
    }),
  );
  const config = {
    registry: { url: environment["PLUMBLINE_REGISTRY_URL"] },
    // The server answers one request after the other.
    eval: { concurrency: 1, timeout_ms: 10 * MINUTE_MS },
    eval_set: { owner: "team:a", cadence: "90d" },
  };
  await writeFile(join(folder, `prompts/${USE_CASE}.prompt`), PROMPT);
  await writeFile(join(folder, `evals/${USE_CASE}.jsonl`), `${lines.join("\n")}\n`);
  await writeFile(join(folder, "rubrics/faithfulness.yaml"), RUBRIC);
  await writeFile(join(folder, "plumbline.config.json"), JSON.stringify(config));
  return folder;
}

function plumbline(...args: readonly string[]): Promise<Run> {
  return runPlumbline(args, { directory: project, environment });
}

/** Sum of counts, and each with its name; for the lines that are printed. */
function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

/** Of what passed: answers, those that were cut, those with a doubled limit, and refusals. */
function countPassed(passed: readonly Passed[]) {
  const answered = passed.filter(({ status }) => status === 200);
  const isDoubled = ({ tokensMax }: Passed): boolean => tokensMax === 2 * JUDGE_TOKENS;
  return {
    requests: passed.length,
    answered: answered.length,
    refused: passed.length - answered.length,
    cut: answered.filter((each) => each.ended === "length" && each.tokensMax === JUDGE_TOKENS).length,
    doubled: answered.filter(isDoubled).length,
    cutAgain: answered.filter((each) => each.ended === "length" && isDoubled(each)).length,
  };
}

async function verdicts(): Promise<readonly Verdict[]> {
  const found: Verdict[] = [];
  for (const { partition, high } of await log.watermarks("plumbline.verdicts"))
    for (const { value } of await log.read("plumbline.verdicts", partition, 0, { recordsMax: high }))
      found.push(Verdict.parse(JSON.parse(Buffer.from(value).toString("utf8"))));
  return found;
}

test.skipIf(cases === null)(
  "the judge ends every call in one state, and says of each cut answer what became of it",
  async () => {
    await store.store.insertCalls(
      cases!.map(({ input, output }, i) => ({
        ...callRow(i, startedAt + i * 1_000, { use_case: USE_CASE, input, output, vars: { text: input } }),
        is_sampled: true,
        sample_rate: 1,
      })),
    );
    const judging = new AbortController();
    const running = createJudgeService({
      log,
      store: store.store,
      judge: createJudge({
        ...judgeChoice(loadConfig(JudgeChoiceConfig, environment)),
        timeoutMs: 10 * MINUTE_MS,
        clock: systemClock,
      }),
      rubrics: DEFAULT_RUBRICS,
      clock: systemClock,
      logger,
      config: loadConfig(JudgeConfig, {
        PLUMBLINE_JUDGE_CONCURRENCY: "1",
        PLUMBLINE_JUDGE_TIMEOUT_MS: String(10 * MINUTE_MS),
      }),
    }).run(judging.signal);
    const window = {
      start: new Date(startedAt).toISOString(),
      end: new Date(startedAt + MINUTE_MS).toISOString(),
    };
    let progress: JudgingProgress | undefined;
    await expect
      .poll(
        async () => {
          [progress] = await store.store.judgingProgress(window);
          return progress?.unjudged;
        },
        { timeout: 3_600_000, interval: 1_000 },
      )
      .toBe(0);
    judging.abort();
    await running;

    const { scored, cannot_judge, failed, expired, over_budget, sampled } = progress!;
    const states = { scored, cannot_judge, failed, expired, over_budget };
    expect(sampled).toBe(cases!.length);
    expect(sumOf(states)).toBe(sampled);
    const said = await verdicts();
    expect(new Set(said.map(({ call_id }) => call_id)).size).toBe(sampled);
    expect(tally(said.map(({ state }) => state))).toEqual(
      Object.fromEntries(Object.entries(states).filter(([, n]) => n > 0)),
    );
    for (const { state, score, label, cause } of said) {
      expect({ hasScore: score !== null, hasLabel: label !== null, hasCause: cause !== undefined }).toEqual(
        state === "scored"
          ? { hasScore: true, hasLabel: true, hasCause: false }
          : { hasScore: false, hasLabel: false, hasCause: true },
      );
    }
    // Each answer that was cut is asked for once more with twice the room; cut again, it ends the call with that cause.
    const passed = countPassed(proxy.take());
    const causes = tally(said.flatMap(({ cause }) => cause ?? []));
    expect(passed.doubled).toBe(passed.cut);
    expect(causes["answer_cut"] ?? 0).toBeLessThanOrEqual(passed.cutAgain);
    expect(passed.answered).toBeGreaterThanOrEqual(sampled - failed);
    const judged = said.filter(({ state }) => state === "scored");
    const agreed = judged.filter(({ call_id, label }) => (label === "pass") === labelOf(call_id)).length;
    console.log(
      `judge ${llm.model}: ${JSON.stringify(states)} of ${sampled}, causes ${JSON.stringify(causes)}; ` +
        `${passed.requests} requests, ${passed.refused} refused, ${passed.cut} answers cut and asked again, ${passed.cutAgain} cut twice; ` +
        `agrees with people on ${agreed} of ${judged.length} scored`,
    );
  },
);

function labelOf(call: string): boolean {
  return cases!.find((_, i) => callId(i) === call)!.isFaithful;
}

test.skipIf(cases === null)(
  "eval counts every case once: passed, missed with a reason, or undone",
  async () => {
    const { exitCode, stdout, stderr } = await plumbline(
      "eval",
      USE_CASE,
      "--against=none",
      "--no-record",
      "--no-cache",
      "--json",
    );
    expect({ exitCode, stderr: [0, 10].includes(exitCode) ? "" : stderr }).toMatchObject({ stderr: "" });
    const { data } = JSON.parse(stdout) as {
      readonly data: {
        readonly evals: readonly [
          {
            readonly cases: number;
            readonly undone_cases: number;
            readonly candidate: { readonly pass_rate: { readonly passes: number; readonly n: number } };
            readonly misses: readonly { readonly assert: string; readonly reason: string }[];
            readonly answers: { readonly planned: number; readonly made: number; readonly cached: number };
            readonly spent_usd: number;
          },
        ];
      };
    };
    const [{ cases: counted, undone_cases, candidate, misses, answers, spent_usd }] = data.evals;
    expect(counted + undone_cases).toBe(cases!.length);
    expect(candidate.pass_rate.n).toBe(counted);
    expect(candidate.pass_rate.passes + misses.length).toBe(counted);
    expect(answers).toEqual({ planned: cases!.length, made: cases!.length - undone_cases, cached: 0 });
    expect(spent_usd).toBe(0);
    for (const { reason } of misses) expect(reason).not.toBe("");
    const passed = countPassed(proxy.take());
    expect(passed.doubled).toBe(passed.cut);
    console.log(
      `eval: ${candidate.pass_rate.passes} of ${counted} pass, ${misses.length} missed by ${JSON.stringify(tally(misses.map(({ assert }) => assert)))}, ` +
        `${undone_cases} undone; ${passed.requests} requests, ${passed.refused} refused, ${passed.cut} answers cut`,
    );
  },
);

test.skipIf(cases === null)(
  "replay counts every stored call once: compared, or left out for a reason",
  async () => {
    const pushed = await plumbline("push", "--allow-dirty");
    expect({ exitCode: pushed.exitCode, stderr: pushed.stderr }).toMatchObject({ exitCode: 0 });
    const by = ["--version", "v1", "--judge", "openai"];
    const [from, to] = [startedAt, startedAt + MINUTE_MS].map((ms) => new Date(ms).toISOString());
    const window = ["--from", from!, "--to", to!];
    const { exitCode, stdout, stderr } = await plumbline(
      "replay",
      USE_CASE,
      ...by,
      `--limit=${cases!.length}`,
      ...window,
      "--json",
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const { data } = JSON.parse(stdout) as {
      readonly data: {
        readonly found: {
          readonly calls: number;
          readonly unanswered: number;
          readonly without_texts: number;
        };
        readonly replayed: number;
        readonly skipped: Readonly<Record<string, number>>;
        readonly calls: readonly { readonly before: number; readonly after: number }[];
        readonly scores: { readonly worse: number; readonly better: number } | null;
      };
    };
    const { found, replayed, skipped, calls, scores } = data;
    expect(found).toEqual({ calls: cases!.length, unanswered: 0, without_texts: 0 });
    expect(replayed + sumOf(skipped)).toBe(cases!.length);
    expect(calls).toHaveLength(replayed);
    expect(scores?.worse ?? 0).toBe(calls.filter(({ before, after }) => after < before).length);
    expect(scores?.better ?? 0).toBe(calls.filter(({ before, after }) => after > before).length);
    const passed = countPassed(proxy.take());
    expect(passed.doubled).toBe(passed.cut);
    console.log(
      `replay: ${replayed} of ${found.calls} compared, left out ${JSON.stringify(skipped)}; ` +
        `${passed.requests} requests, ${passed.refused} refused, ${passed.cut} answers cut`,
    );
  },
);
