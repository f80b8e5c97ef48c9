/** promptfoo's own example project, as its `init` writes it, imported: our prompts send the same, our asserts decide alike. */
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type FakeProvider,
  type FakeRequest,
  startFakeProvider,
} from "@plumbline/adapters/llm/fake-provider.fixture";
import {
  type EvalCase,
  parseEvalSet,
  parsePrompt,
  readYaml,
  renderPrompt,
  runAsserts,
} from "@plumbline/prompts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runPlumbline } from "../scenarios/tail-run.ts";
import { installPromptfoo } from "./install-promptfoo.ts";
import { evaluate, initExample, type PromptfooResult } from "./run-promptfoo.ts";

/** One model repeats what it is asked, the other says the same of everything. */
const MODELS = ["repeats", "ignores"] as const;

let provider: FakeProvider;
let work: string;
let results: readonly PromptfooResult[];
let prompts: readonly string[];

function answer({ body }: FakeRequest) {
  const model = String(body["model"]);
  const messages = body["messages"] as readonly { readonly content: string }[];
  const content =
    model === "judge" ? '{"reason":"fine","pass":true,"score":1}' : outputOf(model, messages.at(-1)!.content);
  return {
    body: {
      choices: [{ message: { role: "assistant", content }, finish_reason: "stop" }],
      usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 },
    },
  };
}

function outputOf(model: string, asked: string): string {
  return model === "ignores" ? "Have a nice day." : asked;
}

beforeAll(async () => {
  await installPromptfoo();
  work = await mkdtemp(join(tmpdir(), "plumbline-example-"));
  provider = await startFakeProvider([answer]);
  const example = readYaml(await initExample(work), "promptfooconfig.yaml");
  if (example.kind === "invalid") throw new Error(JSON.stringify(example.problems));
  const { prompts: texts, tests } = example.value.value as {
    prompts: readonly string[];
    tests: readonly object[];
  };
  prompts = texts;
  const providerOf = (model: string) => ({
    id: `openai:chat:${model}`,
    config: { apiBaseUrl: `${provider.url}/v1`, apiKey: "none" },
  });
  results = await evaluate(
    {
      prompts: texts,
      providers: MODELS.map(providerOf),
      tests,
      defaultTest: { options: { provider: providerOf("judge") } },
    },
    work,
  );
});

afterAll(async () => {
  await provider.close();
  await rm(work, { recursive: true });
});

async function importExample(): Promise<{
  readonly files: readonly string[];
  readonly cases: readonly EvalCase[];
}> {
  const project = join(work, "project");
  await mkdir(project);
  const { exitCode, stderr, stdout } = await runPlumbline(
    ["import", "--from", "promptfoo", join(work, "promptfooconfig.yaml"), "--model", "openai/repeats"],
    { directory: project },
  );
  if (exitCode !== 0) throw new Error(`import ended with ${exitCode}: ${stderr}${stdout}`);
  const files = await readdir(join(project, "prompts"));
  const [evalFile] = await readdir(join(project, "evals"));
  const parsed = parseEvalSet(await readFile(join(project, "evals", evalFile!), "utf8"), evalFile!);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return { files: files.map((file) => join(project, "prompts", file)), cases: parsed.value.cases };
}

test("the example's prompts, imported, send what promptfoo sends, and each assert that is ours decides alike", async () => {
  const { files, cases } = await importExample();
  expect(files).toHaveLength(prompts.length);
  expect(cases.length).toBeGreaterThan(0);
  const sent = new Set(
    provider.requests
      .filter(({ body }) => body["model"] === "repeats")
      .map(({ body }) => JSON.stringify(body["messages"])),
  );
  const decided = { pass: 0, fail: 0, left_to_promptfoo: 0 };
  for (const file of files) {
    const parsed = parsePrompt(await readFile(file, "utf8"), file);
    if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
    for (const evalCase of cases) {
      const rendered = renderPrompt(parsed.value.document, evalCase.vars);
      if (rendered.kind === "invalid") throw new Error(rendered.problems.join("; "));
      const { messages } = rendered;
      expect(sent).toContain(JSON.stringify(messages));
      for (const model of MODELS) {
        const output = outputOf(model, messages.at(-1)!.content);
        const theirs = results.find(
          (result) =>
            result.provider.id.endsWith(model) &&
            result.vars["topic"] === evalCase.vars["topic"] &&
            outputOf("repeats", messages.at(-1)!.content) === filled(result),
        )!;
        const ours = await runAsserts(
          evalCase,
          { output, latency_ms: 1, cost_usd: 0 },
          { judge: () => Promise.resolve({ pass: true, score: 1, reason: "fine" }) },
        );
        for (const [i, each] of ours.asserts.entries()) {
          if (each.outcome === "not_run") {
            decided.left_to_promptfoo += 1;
            expect(each.reason).toMatch(/promptfoo/);
            continue;
          }
          const their = theirs.gradingResult!.componentResults[i]!;
          expect({ type: their.assertion?.type, pass: their.pass }).toEqual({
            type: each.type,
            pass: each.outcome === "pass",
          });
          decided[each.outcome] += 1;
        }
      }
    }
  }
  expect(decided.pass).toBeGreaterThan(0);
  expect(decided.fail).toBeGreaterThan(0);
  console.log(`promptfoo's example: ${JSON.stringify(decided)}`);
});

/** The prompt of a result with its variables filled in. */
function filled({ prompt, vars }: PromptfooResult): string {
  return prompt.raw.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_match, name: string) => String(vars[name]));
}
