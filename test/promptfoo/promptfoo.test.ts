/**
 * promptfoo itself runs our eval set, unchanged, through our prompt file: the format is the one we say it is, and its
 * asserts and ours decide alike.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type FakeProvider,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import { type EvalCase, parseEvalSet, runAsserts } from "@plumbline/prompts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FOLDER, installPromptfoo } from "./install-promptfoo.ts";
import { evaluate, type PromptfooResult } from "./run-promptfoo.ts";

const EVALS = fileURLToPath(
  new URL("../../examples/ticket-summary/evals/ticket-summary.jsonl", import.meta.url),
);
const FIGURE = /\b(?:\d+|two|five|twenty|thirty|fifty|hundred)\b/gi;
const MODELS = ["keeps-all", "hides-figures"] as const;

interface Message {
  readonly role: string;
  readonly content: string;
}

let provider: FakeProvider;
let work: string;
let version: string;
let cases: readonly EvalCase[];
let results: readonly PromptfooResult[];

/** Hands the ticket back, with its figures or with a placeholder for each; as a judge it passes everything. */
function answer({ body }: FakeRequest) {
  const messages = body["messages"] as readonly Message[];
  const isJudge = body["model"] === "judge";
  const ticket = messages.at(-1)?.content ?? "";
  const content = isJudge
    ? '{"reason":"fine","pass":true,"score":1}'
    : answerOf(String(body["model"]), ticket);
  return {
    body: {
      choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
      usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    },
  };
}

function answerOf(model: string, ticket: string): string {
  return model === "hides-figures" ? ticket.replaceAll(FIGURE, "[AMOUNT]") : ticket;
}

beforeAll(async () => {
  version = await installPromptfoo();
  const parsed = parseEvalSet(await readFile(EVALS, "utf8"), EVALS);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  ({ cases } = parsed.value);
  provider = await startFakeProvider([answer]);
  work = await mkdtemp(join(tmpdir(), "plumbline-promptfoo-"));
  const providerOf = (model: string) => ({
    id: `openai:chat:${model}`,
    config: { apiBaseUrl: `${provider.url}/v1`, apiKey: "none" },
  });
  const config = {
    prompts: [`file://${FOLDER}ticket-summary.mjs`],
    providers: MODELS.map(providerOf),
    tests: `file://${EVALS}`,
    defaultTest: { options: { provider: providerOf("judge") } },
  };
  results = await evaluate(config, work);
  // Those of one model fail, as they must.
  expect(results.some(({ success }) => !success)).toBe(true);
});

afterAll(async () => {
  await provider.close();
  await rm(work, { recursive: true });
});

const resultOf = (model: string, id: string) =>
  results.find((result) => result.provider.id.endsWith(model) && result.testCase.metadata?.id === id);

test("the pinned version ran every case for both models, ids kept", async () => {
  const manifest = JSON.parse(await readFile(`${FOLDER}package.json`, "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  expect(version).toBe(manifest.dependencies["promptfoo"]);
  expect(results).toHaveLength(cases.length * MODELS.length);
  for (const { id } of cases) for (const model of MODELS) expect(resultOf(model, id)).toBeDefined();
});

test("the model was sent what our renderer makes of the prompt file", () => {
  const asked = provider.requests.filter(({ body }) => body["model"] === "keeps-all");
  expect(asked).toHaveLength(cases.length);
  const tickets = new Set(cases.map(({ vars }) => vars["ticket"]));
  for (const { body } of asked) {
    const [system, user] = body["messages"] as readonly Message[];
    expect(system).toMatchObject({ role: "system", content: expect.stringContaining("summarise") });
    expect(user!.role).toBe("user");
    expect(tickets.has(user!.content)).toBe(true);
    expect(body).toMatchObject({ temperature: 0.2, max_tokens: 400 });
  }
});

test("its asserts and ours decide alike, case by case", async () => {
  const outcomes = { pass: 0, fail: 0 };
  for (const model of MODELS) {
    for (const evalCase of cases) {
      const { ticket } = evalCase.vars;
      const output = answerOf(model, typeof ticket === "string" ? ticket : "");
      const ours = await runAsserts(
        evalCase,
        { output, latency_ms: 1, cost_usd: 0 },
        { judge: () => Promise.resolve({ pass: true, score: 1, reason: "fine" }) },
      );
      const theirs = resultOf(model, evalCase.id)!;
      expect({ id: evalCase.id, passes: theirs.success, error: theirs.error }).toMatchObject({
        id: evalCase.id,
        passes: ours.outcome === "pass",
      });
      outcomes[theirs.success ? "pass" : "fail"] += 1;
    }
  }
  // Both happened, so that agreement means something.
  expect(outcomes.pass).toBeGreaterThan(10);
  expect(outcomes.fail).toBeGreaterThan(10);
  console.log(`promptfoo ${version}: ${outcomes.pass} passed, ${outcomes.fail} failed, as our own asserts`);
});
