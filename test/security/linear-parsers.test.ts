/**
 * Every parser of text from outside takes time linear in the text: the same shape twice as long costs at most three times
 * the CPU time. A quadratic one costs four times as much, and stalls everything else of its process.
 */
import {
  lintPrompt,
  parseConfig,
  parseEvalSet,
  parseMessage,
  parsePolicy,
  parsePrompt,
  parseRubric,
  readYaml,
  runAsserts,
  type EvalCase,
} from "@plumbline/prompts";
import { expect, test } from "vitest";
import { refuseUnlessReadOnly } from "../../packages/adapters/clickhouse/sql/read-only-statement.ts";
import { bindParameters, splitStatements } from "../../packages/adapters/clickhouse/sql/sql-text.ts";
import { withoutErasedNames } from "../../packages/erasure/erased-names.ts";
import { matchPattern } from "../../packages/prompts/bounded-pattern.ts";
import { fromNunjucks } from "../../packages/cli/interchange/from-nunjucks.ts";
import { toNunjucks } from "../../packages/cli/interchange/to-nunjucks.ts";
import { findJsonError } from "../../services/collector/json-error.ts";
import { readCall } from "../../services/collector/read-call.ts";
import { splitBody } from "../../services/collector/split-body.ts";
import { isNestedDeeper } from "../../services/registry/read-request.ts";

const RATIO_MAX = 3;
const ROUNDS = 3;
const ATTEMPTS = 5;
/** Below this the clock and the collector of garbage decide, and nobody waits, ms. */
const SHORT_MS = 60;
/** Characters of the shorter text. */
const CHARS = 60_000;

/** Least CPU time of this process over several rounds, ms. */
function cpuMs(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    try {
      work();
    } catch {
      // A refusal is an answer.
    }
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

const NO_FUNCTIONS: ReadonlySet<string> = new Set();
const FRONT = "---\nmodel: openai/gpt-5-mini\n---\n";
const prompt = (text: string): unknown => parsePrompt(`${FRONT}${text}`, "a.prompt", () => null);
const value = (text: string): unknown =>
  readCall({ kind: "value", value: JSON.parse(text) as unknown, bytes: Buffer.from(text) }, 0);

const PROJECT = { hasFile: () => false, hasRubric: () => false };

function lint(text: string): unknown {
  const parsed = parsePrompt(text, "a.prompt", () => null);
  return parsed.kind === "parsed" ? lintPrompt(parsed.value, PROJECT) : parsed;
}

/** As many lines as fit in the text's length, each with its number in the place of `?`. */
function numbered(text: string, line: string): string {
  return Array.from({ length: Math.floor(text.length / (line.length + 3)) }, (_, i) =>
    line.replaceAll("?", String(i)),
  ).join("");
}

/** A prompt that declares and uses variables of the shape of the text's first piece, each with another number. */
function lintVariables(text: string): unknown {
  const declared = /[a-z?]+: string/.exec(text)?.[0];
  const used = /\{\{[a-z?]+\}\}/.exec(text)?.[0];
  const schema = declared === undefined ? "    a: string\n" : numbered(text, `    ${declared}\n`);
  return lint(
    `---\nmodel: a/b\ninput:\n  schema:\n${schema}---\n${used === undefined ? "x" : numbered(text, `${used}\n`)}`,
  );
}

function caseOf(value: string): EvalCase {
  const types = ["equals", "contains", "icontains", "is-json", "not-contains", "llm-rubric"];
  const line = { vars: { a: "b" }, assert: types.map((type) => ({ type, value })) };
  const parsed = parseEvalSet(JSON.stringify(line), "a.jsonl");
  if (parsed.kind === "invalid") throw new RangeError(JSON.stringify(parsed.problems));
  return parsed.value.cases[0]!;
}

/** Each parser, and the pieces of text that it is given over and over. */
const PARSERS: Readonly<
  Record<
    string,
    { parse: (text: string) => unknown; pieces: readonly string[]; head?: string; tail?: string }
  >
> = {
  "the check of read-only statements": {
    parse: (text) => refuseUnlessReadOnly(text, NO_FUNCTIONS),
    head: "SELECT ",
    pieces: [
      "INSERT++++",
      "'\\'\\'",
      "(",
      "'",
      '"\\"',
      "`",
      "/*",
      "--",
      "a.b,",
      "{a:",
      "''",
      "\\",
      "/**/",
      "ä",
    ],
  },
  "the splitting of statements": { parse: splitStatements, pieces: [";", "';", "/*;", "--;\n", "a;"] },
  "the binding of parameters": {
    parse: (text) => bindParameters(text, { a: "x" }, { charsMax: 2_000_000 }),
    pieces: ["{a:", "{a", "{", "{a:String}", "{a/**/:", "}{", "{ a : Array("],
  },
  "the place of an error in JSON": {
    parse: findJsonError,
    pieces: ["[", '{"a":', '"\\"', '"', "\\u", "1,", " ", "[1],", "-"],
  },
  "the bodies of the collector": {
    parse: (text) => splitBody(Buffer.from(text), "ndjson"),
    pieces: ["{\n", "\n", " ", '"\n', "[[[[\n", "{}\n"],
  },
  "the nesting of a registry's body": {
    parse: (text) => isNestedDeeper(text, 64),
    head: '"',
    pieces: ['\\"', '"', '""', "\\", '"\\"', "[]"],
  },
  "an event": {
    parse: value,
    head: '{"a":1',
    pieces: [',"ä":"\\ud800"', ',"b":[]', ',"unknown":{"c":1}'],
    tail: "}",
  },
  "a template": {
    parse: (text) => parseMessage(text),
    pieces: ["{{", "{{#if a}}", "{{a}}", "}}", "{", "{{a", "{{/if}}", "{{#each a}}{{b}}", "{{!", '{{"'],
  },
  "a prompt file": {
    parse: prompt,
    pieces: ['{{role "user"}}\n', "---\n", "{{>a}}", "{{#if a}}x{{/if}}", "a\n", "{{a.b}}", "{{role "],
  },
  "the lint of a prompt": {
    parse: (text) => lint(`${FRONT}${text}`),
    pieces: [
      "{{a}}",
      "{{#if a}}x{{/if}}",
      '{{role "user"}}x\n',
      '{{role "system"}}x\n',
      "{{history}}",
      "x{{a}} ",
    ],
  },
  "the lint of a prompt's variables": {
    parse: lintVariables,
    pieces: [
      "name?: string",
      "{{other?}}",
      "name?: string{{other?}}",
      "long?name?of?a?variable: string{{other?}}",
    ],
  },
  "an eval case": {
    parse: (text) => parseEvalSet(`{"vars":{"a":"b"},"assert":[${text}{"type":"equals"}]}`, "a.jsonl"),
    pieces: [
      '{"type":"regex","value":"(a*)*$"},',
      '{"type":"contains","value":"{{a}}"},',
      '{"type":"unknown"},',
      '{"a":{"b":[1]}},',
    ],
  },
  "eval cases of their own": {
    parse: (text) =>
      parseEvalSet(numbered(text, '{"vars":{"a":"?"},"metadata":{"id":"c?","slice":["s?"]}}\n'), "a.jsonl"),
    pieces: ["x"],
  },
  "the asserts of an eval case": {
    parse: (text) => runAsserts(caseOf(text), { output: text, latency_ms: 1, cost_usd: null }),
    pieces: ["a", "{{a}}", "{{", "ab", "\\(", "[a"],
  },
  "a pattern on a long answer": {
    parse: (text) => ["(a+)+$", "a*a*a*b"].map((each) => matchPattern(each, text)),
    pieces: ["a"],
  },
  "a rubric": {
    parse: (text) => parseRubric(text, "a.yaml"),
    pieces: ["criteria:\n", "- a\n", "a: {b: ", "k?: 1\n"],
  },
  "a policy": {
    parse: (text) => parsePolicy(text, "a.yaml"),
    pieces: ["rungs:\n", "- a\n", "a: {b: ", "k?: 1\n"],
  },
  "a project's config": {
    parse: (text) => parseConfig(text, "a.yaml"),
    pieces: ["a: b\n", "- a\n", "a: {b: "],
  },
  "names of slices that were erased": {
    parse: (text) => withoutErasedNames(text, "t", () => false),
    pieces: ["a=", "=", "a", "a=b ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa="],
  },
  "a YAML file": {
    parse: (text) => readYaml(text, "a.yaml"),
    pieces: ["[", "- ", "a: b\n", "{a: ", "&a *a ", "? ", "'", "#", "- a\n", " "],
  },
  "an eval set": {
    parse: (text) => parseEvalSet(text, "a.jsonl"),
    pieces: ["{\n", '{"vars":{"a":"b"}}\n', "\n", '{"a":', "[[[\n"],
  },
  "Nunjucks, in": {
    parse: fromNunjucks,
    pieces: [
      "{% if a %}",
      "{% for a in b %}",
      "{{",
      "{% ",
      "{{a",
      "{%for a in ",
      "{% if not ",
      "{{ a }}",
      "{# a #}",
      "{#",
      "{% raw %}",
      "{% raw %}a{% endraw %}",
      "{% if a %}{% elif b %}",
      " {{- a -}} ",
      " ",
    ],
  },
  "Nunjucks, out": { parse: toNunjucks, pieces: ["{{#if a}}", "{{#each a}}", "{{a}}", "{{", "{{/", "{"] },
};

const CASES = Object.entries(PARSERS).flatMap(([name, { pieces }]) =>
  pieces.map((piece) => ({ name, piece })),
);

test.each(CASES)("$name is linear in $piece", ({ name, piece }) => {
  const { parse, head = "", tail = "" } = PARSERS[name]!;
  const textOf = (chars: number): string => `${head}${piece.repeat(Math.floor(chars / piece.length))}${tail}`;
  // Small first: what is quadratic must not run for minutes to say so.
  for (const chars of [CHARS / 4, CHARS]) {
    const [short, long] = [textOf(chars), textOf(2 * chars)];
    let shortMs = Number.POSITIVE_INFINITY;
    let longMs = Number.POSITIVE_INFINITY;
    // A collection of garbage may fall into every round of one of them: more rounds come closer to what each costs.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shortMs = Math.min(
        shortMs,
        cpuMs(() => parse(short)),
      );
      longMs = Math.min(
        longMs,
        cpuMs(() => parse(long)),
      );
      if (longMs < SHORT_MS || longMs / shortMs <= RATIO_MAX) break;
    }
    if (longMs < SHORT_MS) continue;
    expect(longMs / shortMs, `${shortMs} ms, then ${longMs} ms`).toBeLessThanOrEqual(RATIO_MAX);
  }
});
