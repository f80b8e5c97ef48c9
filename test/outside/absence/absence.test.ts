/** Kind: absence turned into a value. The real command line, a real registry, providers over HTTP. */
import { startFakeProvider, type FakeReply } from "@plumbline/adapters/llm/fake-provider.fixture";
import { decideGate, type GateCase } from "@plumbline/gate/gate";
import { expect, onTestFinished, test } from "vitest";
import { startScene, summaryReply } from "../../scenarios/eval-run.ts";
import { says } from "../judge-over-http.ts";
import { CACHE_CASES, EVAL_CASES, GATE_CASES } from "./cases.ts";

const ALONE = ["eval", "ticket-summary", "--against", "none", "--no-record", "--json"];
const CASES = 72;

interface Answer {
  readonly data: {
    readonly evals: readonly [
      {
        readonly gate: {
          readonly passed: boolean;
          readonly failures: readonly { readonly code: string }[];
        };
        readonly candidate: { readonly pass_rate: { readonly passes: number } };
        readonly answers: { readonly cached: number };
        readonly misses: readonly { readonly assert: string; readonly reason: string }[];
      },
    ];
  };
}

function evalOf(stdout: string) {
  return (JSON.parse(stdout) as Answer).data.evals[0];
}

test.each(EVAL_CASES)("$given: $becomes", async ({ reply, reason }) => {
  const { run } = await startScene([reply]);
  const { exitCode, stdout } = await run([...ALONE, "--concurrency", "16"]);
  expect(exitCode).toBe(10);
  const { gate, candidate, misses } = evalOf(stdout);
  expect(candidate.pass_rate.passes).toBe(0);
  expect(gate.passed).toBe(false);
  expect(gate.failures.map(({ code }) => code)).toContain("unscored_cases");
  expect(misses).toHaveLength(CASES);
  for (const miss of misses)
    expect(miss).toMatchObject({ assert: "answer", reason: expect.stringMatching(reason) });
});

test.each(GATE_CASES)("$given: $becomes", ({ passes, limits, hasIncumbent, decision }) => {
  const hash = (letter: string) => `sha256:${letter.repeat(64)}`;
  const now = new Date("2026-11-20T12:00:00Z");
  const cases = Array.from({ length: 20 }, (_, i): GateCase => {
    const isPass = i < passes;
    return {
      case_id: String(i),
      score: isPass ? 1 : 0,
      passes: isPass,
      slices: [],
      cost_usd: 0.01,
      latency_ms: 100,
    };
  });
  const live = hasIncumbent ? hash("a") : null;
  const result = decideGate(
    {
      candidate: { prompt_version: hash("b"), cases },
      incumbent: live === null ? null : { prompt_version: live, cases },
      eval_set_hash: hash("c"),
      rubric_hashes: {},
      finished_at: now,
    },
    {
      candidate_version: hash("b"),
      live_version: live,
      eval_set: { hash: hash("c"), owner: "ann", cadence_ms: 90 * 86_400_000, newest_case_at: now },
      rubric_hashes: {},
    },
    limits,
    now,
  );
  expect(result.decision).toBe(decision);
  if (decision === "fail")
    expect(result.reasons.find(({ code }) => code === "pass_rate_floor")?.message).toContain(
      "nothing to compare with",
    );
});

test(`${CACHE_CASES[0]!.given}: ${CACHE_CASES[0]!.becomes}`, async () => {
  const { run, provider } = await startScene([{ body: says("openai", "") }]);
  await run(ALONE);
  const { stdout } = await run(ALONE);
  expect(evalOf(stdout).answers.cached).toBe(0);
  expect(provider.requests).toHaveLength(2 * CASES);
});

/** A judge that says the same of everything. */
async function startJudgeServer(judgement: object) {
  const reply: FakeReply = { body: says("openai", JSON.stringify(judgement)) };
  const server = await startFakeProvider([reply]);
  onTestFinished(() => server.close());
  const environment = {
    PLUMBLINE_JUDGE_PROVIDER: "openai",
    PLUMBLINE_JUDGE_MODEL: "m-2026",
    PLUMBLINE_JUDGE_BASE_URL: server.url,
  };
  return { server, environment };
}

const EVIDENCE = [{ statement: "s", supported: true, quote: "q" }];

test(`${CACHE_CASES[1]!.given}: ${CACHE_CASES[1]!.becomes}`, async () => {
  const { run } = await startScene([summaryReply]);
  const judge = await startJudgeServer({ evidence: EVIDENCE, reasoning: "r", label: "cannot_judge" });
  await run(ALONE, judge.environment);
  const first = judge.server.requests.length;
  await run(ALONE, judge.environment);
  expect(first).toBeGreaterThan(0);
  expect(judge.server.requests).toHaveLength(2 * first);
});

test(`${CACHE_CASES[2]!.given}: ${CACHE_CASES[2]!.becomes}`, async () => {
  const { run } = await startScene([summaryReply]);
  const one = await startJudgeServer({ evidence: EVIDENCE, reasoning: "r", label: "pass" });
  const other = await startJudgeServer({ evidence: EVIDENCE, reasoning: "r", label: "pass" });
  await run(ALONE, one.environment);
  const asked = one.server.requests.length;
  await run(ALONE, one.environment);
  expect(one.server.requests).toHaveLength(asked);
  await run(ALONE, other.environment);
  expect(other.server.requests).toHaveLength(asked);
});

test("a first version that passes says that there was nothing to compare with", async () => {
  const { run } = await startScene([summaryReply]);
  const { stdout } = await run(ALONE.filter((each) => each !== "--json"));
  expect(stdout).toMatch(/Gate: PASSED .*nothing to compare with/);
});
