/** Kind: words. What is said of one, of nothing known, and of flags that were given. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startFakeProvider, type FakeReply } from "@plumbline/adapters/llm/fake-provider.fixture";
import { expect, onTestFinished, test } from "vitest";
import { runPlumbline } from "../../scenarios/tail-run.ts";
import { startJudge } from "../judge-over-http.ts";
import { WORD_CASES } from "./cases.ts";

test.each(WORD_CASES)("$given: $becomes", ({ said, is, isNot }) => {
  const words = said();
  expect(words).toMatch(is);
  if (isNot !== undefined) expect(words).not.toMatch(isNot);
});

async function evaluate(reply: FakeReply, ...flags: readonly string[]) {
  const provider = await startFakeProvider([reply]);
  const root = await mkdtemp(join(tmpdir(), "plumbline-words-"));
  onTestFinished(async () => {
    await provider.close();
    await rm(root, { recursive: true });
  });
  const files = {
    "plumbline.config.yaml": "",
    "prompts/sum.prompt":
      "---\nmodel: own/model-1\ninput: { schema: { t: string } }\nplumbline.owner: me\nplumbline.eval: evals/sum.jsonl\n---\nSum up {{t}}\n",
    "evals/sum.jsonl": '{"vars":{"t":"x"},"assert":[{"type":"contains","value":"sum"}]}\n',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return runPlumbline(["eval", "sum", "--against", "none", "--no-record", ...flags], {
    directory: root,
    environment: { PLUMBLINE_PROVIDER_OWN_URL: provider.url },
  });
}

const REFUSED = { status: 401, body: { error: { message: "no such key" } } };
const ANSWER = {
  body: {
    choices: [{ message: { content: "a sum" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 2 },
  },
};

test("what is kept in a cache is said only where there is one", async () => {
  const kept = await evaluate(REFUSED);
  expect(kept.stderr).toMatch(/no such key.*Answers so far are kept in the cache/s);
  const gone = await evaluate(REFUSED, "--no-cache");
  expect(gone.stderr).toMatch(/no such key/);
  expect(`${gone.stdout}${gone.stderr}`).not.toMatch(/cache/);
});

test("an eval of one case at an unknown price says both", async () => {
  const { stdout, stderr } = await evaluate(ANSWER, "--no-cache");
  expect(stderr).toMatch(/the price of own\/model-1 is unknown/);
  expect(stdout).toMatch(/1 case\b/);
  expect(stdout).toMatch(
    /1 of 1 answer; what was spent is unknown: no price is known for 1 answer of own\/model-1/,
  );
  expect(stdout).not.toMatch(/\$0/);
});

test("a judge that is not reached is said with its status", async () => {
  const { ask } = await startJudge([{ status: 503, body: {} }]);
  await expect(ask()).rejects.toThrow(/HTTP 503/);
});

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const NOUNS =
  "answers|attempts|batches|calls|cases|characters|conversations|days|events|files|hours|incidents|items|labels|lines|looks|messages|minutes|models|pairs|parts|processes|prompts|questions|records|requests|results|rollouts|rows|seconds|times|units|versions";
/** A number in front of a noun that is always in the plural. Numbers of which there are never one are named in capitals. */
const PLURAL = new RegExp(String.raw`(?<!\bof )\$\{([^{}]*)\} (?:${NOUNS})\b`, "g");
const NEVER_ONE = /^[A-Z][A-Z_]+$|Max$|toFixed/;
/** Where the number cannot be one, or the sentence says it otherwise for one. */
const KNOWN: Readonly<Record<string, string>> = {
  url: "a verb follows",
  "sql.url": "a verb follows",
  name: "a verb follows",
  "message.role": "a role, not a number",
  judged: "has its own words",
  times: "a ratio",
  labels: "a judge is calibrated by fifty or more",
  "Math.round(hours / 24)": "two or more",
  lines_removed: "in a sum such as +1 −0 lines",
  "value.length": "more than ten thousand",
  rejected: "said otherwise for one",
  failures: "said otherwise for one",
  "channel.failures": "said otherwise for one",
  failed: "said otherwise for one",
};

function pluralsIn(source: string): readonly string[] {
  return [...source.matchAll(PLURAL)].flatMap(([whole, expression = ""]) =>
    NEVER_ONE.test(expression) || Object.hasOwn(KNOWN, expression) ? [] : [whole],
  );
}

test("no sentence has a plural that stands for one as well", () => {
  expect(pluralsIn("`has ${n} cases`")).toHaveLength(1);
  expect(pluralsIn("`2 of ${n} cases, at most ${CASES_MAX} cases`")).toEqual([]);
  const files = execFileSync(
    "git",
    ["ls-files", "packages/*.ts", "services/*.ts", "alerts/*.ts", "schemas/*.ts"],
    {
      cwd: ROOT,
      encoding: "utf8",
    },
  )
    .split("\n")
    .filter(
      (file) => file.endsWith(".ts") && !/\.(?:test|contract|fixture)\.ts$|^packages\/stats\//.test(file),
    );
  expect(files.length).toBeGreaterThan(300);
  const found = files.flatMap((file) =>
    pluralsIn(readFileSync(join(ROOT, file), "utf8")).map((sentence) => `${file}: ${sentence}`),
  );
  expect(found).toEqual([]);
});
