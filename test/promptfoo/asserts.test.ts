/** promptfoo's assertion types and ours, decision by decision: each assert on each output, by both. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type FakeProvider,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import { type CaseOutcome, parseEvalSet, type RubricReply, runAsserts } from "@plumbline/prompts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installPromptfoo } from "./install-promptfoo.ts";
import { evaluate, type PromptfooResult } from "./run-promptfoo.ts";

/** What a model answered. */
const OUTPUTS = [
  "We charged $40 twice; both are refunded.",
  "we CHARGED $40 TWICE; BOTH ARE REFUNDED.",
  "No amount is named.",
  "40",
  "Café Zoë: 5 €",
  '{"amount": 40, "refunded": true}',
  '{"refunded":true,"amount":40}',
  '{"amount": 40,}',
  '```json\n{"amount": 40}\n```',
  "[1, 2]",
  "null",
  "first line\nsecond line with $40\n",
  "I'm sorry, but I can't help with that.",
] as const;

interface Assert {
  readonly type: string;
  readonly value?: unknown;
  readonly threshold?: number;
}

const PLAIN: readonly Assert[] = [
  { type: "equals", value: "40" },
  { type: "equals", value: "No amount is named." },
  { type: "contains", value: "$40" },
  { type: "contains", value: "second line" },
  { type: "contains", value: "{{wanted}}" },
  { type: "icontains", value: "charged" },
  { type: "icontains", value: "ZOË" },
  { type: "regex", value: "\\$\\s?\\d+" },
  { type: "regex", value: "^No amount" },
  { type: "regex", value: "line$" },
  { type: "regex", value: "(?:charged|refunded)\\b.*\\." },
  { type: "is-json" },
];

const ASSERTS: readonly Assert[] = [
  ...PLAIN,
  ...PLAIN.map((assert) => ({ ...assert, type: `not-${assert.type}` })),
  { type: "equals", value: { amount: 40, refunded: true } },
  { type: "latency", threshold: 60_000 },
  { type: "cost", threshold: 1 },
];

/** What a judge says, with the threshold that it is held against. */
const RUBRICS: readonly { readonly reply: RubricReply; readonly threshold?: number }[] = [
  { reply: { pass: true, score: 1, reason: "fine" } },
  { reply: { pass: false, score: 0, reason: "an amount is missing" } },
  { reply: { pass: true, score: 0.7, reason: "nearly" }, threshold: 0.5 },
  { reply: { pass: true, score: 0.7, reason: "nearly" }, threshold: 0.9 },
  { reply: { pass: false, score: 0.7, reason: "no" }, threshold: 0.5 },
];

let provider: FakeProvider;
let work: string;
let results: readonly PromptfooResult[];

/** As the model it says what the case wants said; as a judge what its name says. */
function answer({ body }: FakeRequest) {
  const model = String(body["model"]);
  const messages = body["messages"] as readonly { readonly content: string }[];
  const content = model.startsWith("judge-")
    ? JSON.stringify(RUBRICS[Number(model.slice("judge-".length))]!.reply)
    : outputOf.get(messages.at(-1)!.content);
  return {
    body: {
      choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
      usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    },
  };
}

interface Row {
  readonly name: string;
  readonly assert: Assert;
  readonly output: string;
  readonly reply: RubricReply | null;
}

const ROWS: readonly Row[] = [
  ...OUTPUTS.flatMap((output, o) =>
    ASSERTS.map((assert, a) => ({ name: `output-${o}-assert-${a}`, assert, output, reply: null })),
  ),
  ...RUBRICS.map(({ reply, threshold }, r) => ({
    name: `rubric-${r}`,
    assert: {
      type: "llm-rubric",
      value: "Every amount of the ticket is named.",
      ...(threshold === undefined ? {} : { threshold }),
    },
    output: OUTPUTS[0],
    reply,
  })),
];

/** By what is asked: a prompt that looks like JSON would be taken for messages. */
const outputOf = new Map(ROWS.map(({ name, output }) => [name, output]));

beforeAll(async () => {
  await installPromptfoo();
  provider = await startFakeProvider([answer]);
  work = await mkdtemp(join(tmpdir(), "plumbline-asserts-"));
  const providerOf = (model: string) => ({
    id: `openai:chat:${model}`,
    config: { apiBaseUrl: `${provider.url}/v1`, apiKey: "none", cost: 0.000001 },
  });
  results = await evaluate(
    {
      prompts: ["{{name}}"],
      providers: [providerOf("gpt-4.1-mini")],
      tests: ROWS.map(({ name, assert, reply }, i) => ({
        vars: { name, wanted: "$40" },
        assert: [
          reply === null
            ? assert
            : { ...assert, provider: providerOf(`judge-${i - (ROWS.length - RUBRICS.length)}`) },
        ],
        metadata: { id: name },
      })),
    },
    work,
  );
});

afterAll(async () => {
  await provider.close();
  await rm(work, { recursive: true });
});

async function decideOurs({ name, assert, output, reply }: Row): Promise<CaseOutcome> {
  const line = { vars: { wanted: "$40" }, assert: [assert], metadata: { id: name } };
  const parsed = parseEvalSet(JSON.stringify(line), "asserts.jsonl");
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return runAsserts(
    parsed.value.cases[0]!,
    { output, latency_ms: 1, cost_usd: 0.0001 },
    reply === null ? {} : { judge: () => Promise.resolve(reply) },
  );
}

test("thirteen assertion types and more decide alike on every output", async () => {
  const decided = new Map<string, { pass: number; fail: number }>();
  const differing: object[] = [];
  for (const row of ROWS) {
    const ours = await decideOurs(row);
    const theirs = results.find(({ testCase }) => testCase.metadata?.id === row.name)!;
    const counts = decided.get(row.assert.type) ?? { pass: 0, fail: 0 };
    decided.set(row.assert.type, counts);
    counts[theirs.success ? "pass" : "fail"] += 1;
    if ((ours.outcome === "pass") !== theirs.success || ours.outcome === "not_run")
      differing.push({
        assert: row.assert,
        output: row.output,
        ours: `${ours.outcome}: ${ours.asserts[0]?.reason}`,
        theirs: `${theirs.success}: ${theirs.error ?? theirs.gradingResult?.componentResults[0]?.reason}`,
      });
  }
  expect(differing).toEqual([]);
  expect(decided.size).toBeGreaterThanOrEqual(10);
  // Of every type that looks at the answer both happened, so that agreement means something.
  for (const [type, { pass, fail }] of decided)
    if (type !== "latency" && type !== "cost")
      expect({ type, pass: pass > 0, fail: fail > 0 }).toEqual({ type, pass: true, fail: true });
  console.log(`promptfoo: ${ROWS.length} decisions of ${decided.size} assertion types, as our own`);
});
