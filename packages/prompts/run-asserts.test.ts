import { describe, expect, test } from "vitest";
import { matchPattern } from "./bounded-pattern.ts";
import { type EvalCase, parseEvalSet } from "./eval-set.ts";
import { type AssertContext, type EvalAnswer, type RubricReply, runAsserts } from "./run-asserts.ts";

function evalCase(...asserts: readonly object[]): EvalCase {
  const result = parseEvalSet(
    JSON.stringify({ vars: { name: "Lee", n: { m: 1 } }, assert: asserts, metadata: { id: "a" } }),
    "a",
  );
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return result.value.cases[0]!;
}

function answer(output: string, more: Partial<EvalAnswer> = {}): EvalAnswer {
  return { output, latency_ms: 800, cost_usd: 0.002, ...more };
}

async function outcome(assert: object, given: EvalAnswer, context: AssertContext = {}): Promise<string> {
  return (await runAsserts(evalCase(assert), given, context)).outcome;
}

describe("asserts that are run here", () => {
  test.each([
    { assert: { type: "equals", value: "a b" }, output: "a b\n", is: "pass" },
    { assert: { type: "equals", value: { b: 1, a: 2 } }, output: '{"a":2,"b":1}', is: "pass" },
    { assert: { type: "equals", value: "a" }, output: "A", is: "fail" },
    { assert: { type: "contains", value: "$40" }, output: "paid $40 twice", is: "pass" },
    { assert: { type: "contains", value: "PAID" }, output: "paid", is: "fail" },
    { assert: { type: "contains", value: "{{name}}" }, output: "for Lee", is: "pass" },
    { assert: { type: "icontains", value: "PAID" }, output: "paid", is: "pass" },
    { assert: { type: "not-contains", value: "[REDACTED]" }, output: "x [REDACTED]", is: "fail" },
    { assert: { type: "not-contains", value: "[REDACTED]" }, output: "x", is: "pass" },
    { assert: { type: "regex", value: "\\$\\s?\\d+" }, output: "$ 40", is: "pass" },
    { assert: { type: "not-regex", value: "\\d" }, output: "none", is: "pass" },
    { assert: { type: "is-json" }, output: '{"a":1}', is: "pass" },
    { assert: { type: "is-json" }, output: "```json\n{}\n```", is: "fail" },
    { assert: { type: "latency", threshold: 1000 }, output: "", is: "pass" },
    { assert: { type: "latency", threshold: 500 }, output: "", is: "fail" },
    { assert: { type: "cost", threshold: 0.001 }, output: "", is: "fail" },
  ])("$assert.type $assert.value on $output: $is", async ({ assert, output, is }) => {
    expect(await outcome(assert, answer(output))).toBe(is);
  });
});

describe("what cannot be run is never a pass", () => {
  test.each([
    { name: "a kind of promptfoo's", assert: { type: "similar", value: "x" }, says: "run with promptfoo" },
    { name: "code", assert: { type: "javascript", value: "true" }, says: "run with promptfoo" },
    {
      name: "not- before a kind of promptfoo's",
      assert: { type: "not-similar", value: "x" },
      says: "run with promptfoo",
    },
    {
      name: "a schema",
      assert: { type: "is-json", value: { type: "object" } },
      says: "is-json with a schema: run with promptfoo",
    },
    {
      name: "a Nunjucks filter",
      assert: { type: "contains", value: "{{name | upper}}" },
      says: "the value holds a template that only promptfoo runs: run with promptfoo",
    },
    {
      name: "a variable that is missing",
      assert: { type: "contains", value: "{{other}}" },
      says: "variable other is missing; pass it, or guard it with {{#if other}}",
    },
    {
      name: "an empty text",
      assert: { type: "contains", value: "" },
      says: "contains needs a text that is not empty",
    },
    { name: "no price", assert: { type: "cost", threshold: 1 }, says: "the model's price is unknown" },
    {
      name: "a slow pattern",
      assert: { type: "regex", value: "(x+x+)+y" },
      says: "the pattern took longer than 250 ms; simplify it, or run with promptfoo",
    },
    {
      name: "no judge",
      assert: { type: "llm-rubric", value: "rubric:faithfulness" },
      says: "no judge is configured",
    },
  ])("$name", async ({ assert, says }) => {
    const result = await runAsserts(evalCase(assert), answer("x".repeat(60), { cost_usd: null }));
    expect(result).toMatchObject({
      outcome: "not_run",
      score: null,
      asserts: [{ outcome: "not_run", reason: says }],
    });
  });

  test("a case without asserts", async () => {
    expect(await runAsserts(evalCase(), answer("x"))).toMatchObject({ outcome: "not_run", score: null });
  });

  test("a case of which one assert was not run", async () => {
    const result = await runAsserts(
      evalCase({ type: "contains", value: "x" }, { type: "similar" }),
      answer("x"),
    );
    expect(result).toMatchObject({ outcome: "not_run", score: null });
  });
});

describe("a judge fails closed", () => {
  test.each<{ name: string; threshold?: number; reply: RubricReply; is: string; score: number | null }>([
    { name: "a pass", reply: { pass: true, reason: "" }, is: "pass", score: 1 },
    { name: "a pass with a score", reply: { pass: true, score: 0.8, reason: "" }, is: "pass", score: 0.8 },
    { name: "a fail", reply: { pass: false, score: 0.3, reason: "" }, is: "fail", score: 0.3 },
    { name: "a score without a pass or threshold", reply: { score: 1, reason: "" }, is: "fail", score: 0 },
    { name: "neither", reply: { reason: "" }, is: "fail", score: 0 },
    {
      name: "a score at the threshold",
      threshold: 0.7,
      reply: { score: 0.7, reason: "" },
      is: "pass",
      score: 0.7,
    },
    {
      name: "a score below it",
      threshold: 0.7,
      reply: { pass: true, score: 0.6, reason: "" },
      is: "fail",
      score: 0.6,
    },
    {
      name: "a threshold without a score",
      threshold: 0.7,
      reply: { pass: true, reason: "" },
      is: "not_run",
      score: null,
    },
    {
      name: "a score that is none",
      threshold: 0.7,
      reply: { score: Number.NaN, reason: "" },
      is: "not_run",
      score: null,
    },
    {
      name: "cannot judge",
      reply: { cannot_judge: true, pass: true, reason: "" },
      is: "not_run",
      score: null,
    },
  ])("$name", async ({ threshold, reply, is, score }) => {
    const assert = {
      type: "llm-rubric",
      value: "rubric:faithfulness",
      ...(threshold !== undefined && { threshold }),
    };
    const result = await runAsserts(evalCase(assert), answer("x"), { judge: async () => reply });
    expect(result).toMatchObject({ outcome: is, score });
  });

  test("a judge that throws is not a pass", async () => {
    const judge = async (): Promise<RubricReply> => {
      throw new Error("429");
    };
    expect(
      await runAsserts(evalCase({ type: "llm-rubric", value: "be kind" }), answer("x"), { judge }),
    ).toMatchObject({
      outcome: "not_run",
      asserts: [{ reason: "the judge failed: 429" }],
    });
  });

  test("a named rubric and one in words are told apart", async () => {
    const asked: unknown[] = [];
    const judge: AssertContext["judge"] = async ({ rubric, criterion }) => {
      asked.push([rubric, criterion]);
      return { pass: true, reason: "" };
    };
    await runAsserts(
      evalCase(
        { type: "llm-rubric", value: "rubric:tone" },
        { type: "llm-rubric", value: "greets {{name}}" },
      ),
      answer("x"),
      { judge },
    );
    expect(asked).toEqual([
      ["tone", ""],
      [null, "greets Lee"],
    ]);
  });
});

test("weights make the score, and weight zero is only reported", async () => {
  const result = await runAsserts(
    evalCase(
      { type: "contains", value: "x", weight: 3 },
      { type: "contains", value: "y" },
      { type: "similar", weight: 0 },
    ),
    answer("x"),
  );
  expect(result).toMatchObject({ outcome: "fail", score: 0.75 });
});

describe("a pattern is bounded in length and time", () => {
  test.each([
    { name: "an exponential pattern", pattern: "(a+)+$", text: `${"a".repeat(200)}b` },
    { name: "a polynomial one", pattern: "a*a*a*b", text: "a".repeat(20_000) },
    { name: "a long one", pattern: "x".repeat(501), text: "x" },
    { name: "a long text", pattern: "x", text: "x".repeat(100_001) },
    { name: "no expression", pattern: "[", text: "x" },
  ])("$name is refused, and does not run to its end", ({ pattern, text }) => {
    // The first two would take longer than any test may.
    expect(matchPattern(pattern, text).kind).toBe("refused");
  });

  test.each(["^\\d{1,3}(?:,\\d{3})*$", "(?<=^)1", "1\\-?,"])("%s is matched", (pattern) => {
    expect(matchPattern(pattern, "1,000")).toEqual({ kind: "decided", matches: true });
  });
});
