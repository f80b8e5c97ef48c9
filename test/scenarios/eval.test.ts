/** `plumbline eval` on the example project: real files, a real registry and its gate, a provider over HTTP. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startFakeProvider } from "@plumbline/adapters/llm/fake-provider.fixture";
import { EVAL_CASES_MAX } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import { CAREFUL, makeFirstLive, startScene, summaryReply } from "./eval-run.ts";

const CASES = 72;
/** Without a registry: nothing to compare with, nothing recorded. */
const ALONE = ["eval", "ticket-summary", "--against", "none", "--no-record", "--json"];

interface Answer {
  readonly ok: boolean;
  readonly data: {
    readonly evals: readonly {
      readonly gate: {
        readonly passed: boolean;
        readonly failures: readonly { readonly code: string }[];
      } | null;
      readonly is_recorded: boolean;
      readonly judge: string;
      readonly answers: { readonly planned: number; readonly made: number; readonly cached: number };
      readonly undone_cases: number;
      readonly spent_usd: number;
      readonly misses: readonly {
        readonly case_id: string;
        readonly assert: string;
        readonly reason: string;
      }[];
      readonly table: readonly { readonly slice: string | null; readonly p_worse_adjusted: number | null }[];
    }[];
    readonly unchanged: readonly string[];
  };
}

function evalOf(stdout: string) {
  return (JSON.parse(stdout) as Answer).data.evals[0]!;
}

test("the example is a project without findings, with cases of both kinds", async () => {
  const { run, directory } = await startScene();
  const lint = await run(["lint", "--json"]);
  expect(JSON.parse(lint.stdout)).toMatchObject({ data: { errors: 0, warnings: 0 } });
  const set = await readFile(join(directory, "evals/ticket-summary.jsonl"), "utf8");
  expect(set.trim().split("\n")).toHaveLength(CASES);
  expect(set.match(/"mentions_money=true"/g)).toHaveLength(CASES / 2);
});

test("a sentence that hides figures is refused: by the mean, and by the slice that it hurts", async () => {
  const scene = await startScene();
  await makeFirstLive(scene);
  await scene.addToPrompt(CAREFUL);
  const pushed = await scene.run(["push", "--allow-dirty"]);
  const short = /plumbline eval (ticket-summary@[0-9a-f]{12})/.exec(pushed.stdout)?.[1] ?? "";
  const file = (name: string): string => join(scene.directory, name);
  const { exitCode, stdout } = await scene.run(
    ["eval", short, "--junit", "eval.xml", "--markdown", "eval.md", "--out", "eval.json"],
    { GITHUB_STEP_SUMMARY: file("step.md") },
  );

  expect(exitCode).toBe(10);
  expect(stdout).toContain("ticket-summary  v2 against v1, live in production: 72 cases");
  expect(stdout).toMatch(/mentions_money=true +36 .*significantly worse/);
  expect(stdout).not.toMatch(/mentions_money=false .*significantly worse/);
  expect(stdout).toContain("Gate: REFUSED (recorded for production)");
  expect(stdout).toMatch(/slice_worse: slice mentions_money=true fell by .*Read these cases/);
  expect(stdout).toContain("(the incumbent passes)");
  expect(stdout).toContain("would be refused in four of five runs");
  expect(stdout).toContain("Judged by: lexical, no LLM.");

  const evidence = JSON.parse(await readFile(file("eval.json"), "utf8"));
  const [{ misses, results, record }] = evidence.evals;
  expect(results).toHaveLength(2 * CASES);
  expect(record.candidate.cases).toHaveLength(CASES);
  const junit = await readFile(file("eval.xml"), "utf8");
  expect(problemOfXml(junit)).toBeNull();
  expect(junit.match(/<testcase /g)).toHaveLength(CASES);
  expect(junit.match(/<failure /g)).toHaveLength(misses.length);
  const markdown = await readFile(file("eval.md"), "utf8");
  expect(markdown).toContain("## ❌ Gate refused: `ticket-summary` v2 against v1");
  expect(markdown).toContain(`+ ${CAREFUL}`);
  expect(await readFile(file("step.md"), "utf8")).toBe(markdown);

  const promoted = await scene.run(["promote", "ticket-summary", "v2", "--yes"]);
  expect(promoted.exitCode).toBe(10);
});

test("an equal candidate passes, and what is live already is not compared with itself", async () => {
  const scene = await startScene();
  await makeFirstLive(scene);
  const unchanged = await scene.run(["eval", "--json"]);
  expect(unchanged.exitCode).toBe(0);
  expect(JSON.parse(unchanged.stdout)).toMatchObject({ data: { evals: [], unchanged: ["ticket-summary"] } });

  await scene.addToPrompt("Write plain sentences.");
  const early = await scene.run(["eval"]);
  expect(early.exitCode).toBe(4);
  expect(early.stderr).toMatch(
    /ticket-summary@[0-9a-f]{12} is not in the registry, so its result would have no place to be recorded\. Nothing was run\./,
  );
  expect(early.stderr).toContain("Next: plumbline push ticket-summary");
  expect(scene.provider.requests).toHaveLength(CASES);

  await scene.run(["push", "--allow-dirty"]);
  const { exitCode, stdout } = await scene.run(["eval"]);
  expect(stdout).toContain("Gate: PASSED (recorded for production)");
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    "Next: a colleague runs plumbline approve ticket-summary v2; then plumbline promote ticket-summary v2",
  );
  // What is live was asked in the first run, a moment ago.
  expect(stdout).toContain("144 of 144 answers, 72 of them from the cache");
  expect(scene.provider.requests).toHaveLength(2 * CASES);

  await scene.run(["approve", "ticket-summary", "v2"], { PLUMBLINE_ACTOR: "ben" });
  expect((await scene.run(["eval"])).stdout).toContain("Next: plumbline promote ticket-summary v2");

  const alone = await scene.run(["eval", "--against", "none", "--json"]);
  expect(evalOf(alone.stdout)).toMatchObject({ is_recorded: false, gate: { passed: true } });
  expect(alone.stderr).toContain("compared with something else than what is live in production");
  const unknown = await scene.run(["eval", "--against", "v9"]);
  expect(unknown.exitCode).toBe(4);
  expect(unknown.stderr).toContain("has no version v9");
});

test("the budget holds: the run stops before it, is no pass, and goes on where it stopped", async () => {
  const { run, provider } = await startScene();
  const stopped = await run([...ALONE, "--max-cost", "0.01"]);
  const first = evalOf(stopped.stdout);
  expect(stopped.exitCode).toBe(10);
  expect(first.gate?.failures.map(({ code }) => code)).toEqual(["incomplete"]);
  expect(first.is_recorded).toBe(false);
  expect(first.spent_usd).toBeGreaterThan(0);
  expect(first.spent_usd).toBeLessThanOrEqual(0.01);
  expect(first.answers.made).toBe(provider.requests.length);
  expect(first.undone_cases).toBe(CASES - first.answers.made);

  const second = evalOf((await run(ALONE)).stdout);
  expect(second.gate?.passed).toBe(true);
  expect(second.answers).toEqual({ planned: CASES, made: CASES, cached: first.answers.made });
  expect(provider.requests).toHaveLength(CASES);
});

test("a second run asks the provider nothing, and says so; --no-cache asks again", async () => {
  const { run, provider } = await startScene();
  const first = evalOf((await run([...ALONE, "--limit", "5"])).stdout);
  expect(provider.requests).toHaveLength(5);
  const second = evalOf((await run([...ALONE, "--limit", "5"])).stdout);
  expect(provider.requests).toHaveLength(5);
  expect(second.answers.cached).toBe(5);
  expect([first.gate, second.gate, second.spent_usd]).toEqual([null, null, 0]);
  await run([...ALONE, "--limit", "5", "--repeat", "2"]);
  expect(provider.requests).toHaveLength(10);
  await run([...ALONE, "--limit", "5", "--no-cache"]);
  expect(provider.requests).toHaveLength(15);
});

test("a provider that limits us is waited for as long as it says", async () => {
  const limited = { status: 429, headers: { "retry-after-ms": "20" }, body: {} };
  const { run, provider } = await startScene([limited, limited, limited, limited, summaryReply]);
  const { exitCode, stdout } = await run([...ALONE, "--limit", "3", "--concurrency", "1"]);
  expect(exitCode).toBe(0);
  expect(evalOf(stdout)).toMatchObject({ answers: { made: 3 }, misses: [] });
  expect(provider.requests).toHaveLength(7);
});

test("ctrl-c exits 130, and what was answered is kept", async () => {
  const abort = new AbortController();
  let seen = 0;
  const { run, provider } = await startScene([
    (request) => {
      seen += 1;
      if (seen === 6) abort.abort();
      return seen === 6 ? { hangs: true } : summaryReply(request);
    },
  ]);
  const { exitCode } = await run([...ALONE, "--concurrency", "1"], {}, abort.signal);
  expect(exitCode).toBe(130);
  const next = evalOf((await run([...ALONE, "--limit", "5"])).stdout);
  expect(next.answers.cached).toBe(5);
  expect(provider.requests).toHaveLength(6);
});

test("results that are more than a recorded eval takes are refused before the model is paid", async () => {
  const scene = await startScene();
  const file = join(scene.directory, "evals/ticket-summary.jsonl");
  const [first = ""] = (await readFile(file, "utf8")).split("\n");
  const slices = Array.from({ length: 20 }, (_, i) => `product_line=${String(i).padStart(80, "x")}`);
  const { assert, metadata } = JSON.parse(first) as { assert: unknown; metadata: object };
  const cases = Array.from({ length: EVAL_CASES_MAX }, (_each, i) =>
    JSON.stringify({ vars: { ticket: "x" }, assert, metadata: { ...metadata, id: `c${i}`, slice: slices } }),
  );
  await writeFile(file, `${cases.join("\n")}\n`);
  await scene.run(["push", "--allow-dirty"]);
  const { exitCode, stderr } = await scene.run(["eval"]);
  expect(stderr).toMatch(
    /^plumbline: The results of evals\/ticket-summary\.jsonl would take about \d+ bytes/m,
  );
  expect(exitCode).toBe(4);
  expect(scene.provider.requests).toHaveLength(0);
});

test("without a key nothing is asked, and the variable is named", async () => {
  const { run, provider } = await startScene();
  const { exitCode, stderr } = await run(ALONE, { PLUMBLINE_PROVIDER_OPENAI_URL: undefined });
  expect(exitCode).toBe(3);
  expect(stderr).toContain("OPENAI_API_KEY is not set");
  expect(stderr).toContain("PLUMBLINE_PROVIDER_OPENAI_KEY");
  expect(provider.requests).toHaveLength(0);
});

test("a provider's usual key goes to its own address only", async () => {
  const { run, provider } = await startScene();
  await run([...ALONE, "--limit", "1", "--no-cache"], { OPENAI_API_KEY: "sk-usual" });
  await run([...ALONE, "--limit", "1", "--no-cache"], { PLUMBLINE_PROVIDER_OPENAI_KEY: "sk-own" });
  expect(provider.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, "Bearer sk-own"]);
});

test("a provider that refuses the key ends the run at once", async () => {
  const { run, provider } = await startScene([{ status: 401, body: {} }]);
  const { exitCode, stderr } = await run([...ALONE, "--concurrency", "1"]);
  expect(exitCode).toBe(5);
  expect(stderr).toContain("check PLUMBLINE_PROVIDER_OPENAI_URL and _KEY");
  expect(provider.requests).toHaveLength(1);
});

test("what a provider did not answer is not held against the prompt: nothing is recorded", async () => {
  let asked = 0;
  const { run } = await startScene([
    (request) => {
      asked += 1;
      return asked === 3 ? { status: 400, body: { error: { message: "too long" } } } : summaryReply(request);
    },
  ]);
  await run(["push", "--allow-dirty"]);
  const broken = await run(["eval", "--json"]);
  expect(broken.exitCode).toBe(10);
  expect(evalOf(broken.stdout)).toMatchObject({
    is_recorded: false,
    gate: { failures: [{ code: "failed_answers", message: expect.stringContaining("HTTP 400: too long") }] },
  });
  const mended = await run(["eval", "--json"]);
  expect(evalOf(mended.stdout)).toMatchObject({ is_recorded: true, answers: { cached: CASES - 1 } });
  expect(mended.exitCode).toBe(0);
});

test("a judge that gives no judgement makes no case pass", async () => {
  const judge = await startFakeProvider([
    { body: { choices: [{ message: { content: "Looks fine to me!" } }] } },
  ]);
  onTestFinished(() => judge.close());
  const { run } = await startScene();
  const { stdout } = await run([...ALONE, "--limit", "3"], {
    PLUMBLINE_JUDGE_PROVIDER: "openai",
    PLUMBLINE_JUDGE_MODEL: "judge-1",
    PLUMBLINE_JUDGE_BASE_URL: judge.url,
  });
  const { misses, judge: name } = evalOf(stdout);
  expect(name).toBe("openai/judge-1");
  expect(misses).toHaveLength(3);
  expect(misses[0]).toMatchObject({
    assert: "llm-rubric",
    reason: "not run: the judge could not decide: the judge's answer did not parse",
  });
});

test("what a model writes cannot break the report", async () => {
  const hostile = `]]></failure>&"<script> | @everyone \u0007 \`\`\``;
  const reply = { body: { choices: [{ message: { content: hostile } }] } };
  const { run, directory } = await startScene([reply]);
  const set = join(directory, "evals/ticket-summary.jsonl");
  const cases = [1, 2].map((n) => ({
    vars: { ticket: `${n}` },
    assert: [
      { type: "equals", value: hostile },
      { type: "contains", value: `<&"\u0001${n}` },
    ],
  }));
  await writeFile(set, cases.map((each) => JSON.stringify(each)).join("\n"));
  await run([...ALONE, "--junit", "eval.xml", "--markdown", "eval.md"]);
  const junit = await readFile(join(directory, "eval.xml"), "utf8");
  expect(problemOfXml(junit)).toBeNull();
  expect(junit.match(/<failure /g)).toHaveLength(2);
  expect(await readFile(join(directory, "eval.md"), "utf8")).not.toMatch(/<script|@everyone/);
});

/** Well-formedness of what we write: declaration, nested elements, quoted attributes, entities, allowed characters. */
function problemOfXml(xml: string): string | null {
  // oxlint-disable-next-line no-control-regex -- the characters that XML 1.0 cannot hold
  if (/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.test(xml))
    return "a character that XML cannot hold";
  if (/&(?!(?:amp|lt|gt|quot|apos);)/.test(xml)) return "a bare ampersand";
  const open: string[] = [];
  const rest = xml
    .replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>/, "")
    .replaceAll(/<(\/?)([a-z]+)((?: [a-z]+="[^"<]*")*)(\/?)>/g, (_tag, closing, name, _attributes, empty) => {
      if (closing === "/") return open.pop() === name ? "" : `unexpected </${name}>`;
      if (empty === "") open.push(name);
      return "";
    })
    .trim();
  return rest === "" && open.length === 0 ? null : `${rest}${open.join(" ")}`;
}
