import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EvalSet, parseEvalSet } from "./eval-set.ts";
import { formatProblem } from "./file-problem.ts";

const A = {
  description: "refund amount kept",
  vars: { ticket: "Customer was charged $40 twice on 3 May." },
  assert: [
    { type: "contains", value: "$40" },
    { type: "llm-rubric", value: "rubric:faithfulness" },
  ],
  metadata: {
    id: "ts-001",
    slice: ["amount:present", "lang:en"],
    split: "test",
    added: "2026-11-01",
    source: "prod:01JD8",
    expected: "…",
    labels: { faithfulness: { label: "pass", by: "lee" } },
  },
};
const B = {
  vars: { ticket: "Hello" },
  assert: [{ type: "icontains", value: "hello" }],
  metadata: { id: "ts-002", slice: "lang:en" },
};

function parsed(...cases: readonly unknown[]): EvalSet {
  const result = parseEvalSet(cases.map((each) => JSON.stringify(each)).join("\n"), "evals/a.jsonl");
  if (result.kind === "invalid") throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.value;
}

test("a promptfoo case with our metadata is read", () => {
  const set = parsed(A, B);
  expect(set.newest_added).toBe("2026-11-01");
  expect(set.cases[0]).toMatchObject({
    id: "ts-001",
    line: 1,
    slices: ["amount:present", "lang:en"],
    split: "test",
    threshold: null,
  });
  expect(set.cases[1]).toMatchObject({ id: "ts-002", slices: ["lang:en"], added: null });
});

test("a case without an id gets one from its content", () => {
  const plain = { vars: { a: 1 }, assert: [{ type: "is-json" }] };
  expect(parsed(plain).cases[0]!.id).toMatch(/^[0-9a-f]{12}$/);
  expect(parsed(B, plain).cases[1]!.id).toBe(parsed(plain).cases[0]!.id);
});

describe("the set's hash", () => {
  test("does not depend on order, descriptions, sources, dates or labels", () => {
    const { labels: _labels, source: _source, added: _added, ...metadata } = A.metadata;
    const plain = {
      metadata: { ...metadata, slice: ["lang:en", "amount:present"] },
      assert: A.assert,
      vars: A.vars,
    };
    expect(parsed(B, plain).hash).toBe(parsed(A, B).hash);
  });

  test.each([
    { name: "a variable", edit: { ...A, vars: { ticket: "other" } } },
    { name: "an assert", edit: { ...A, assert: A.assert.slice(1) } },
    { name: "a threshold", edit: { ...A, threshold: 0.5 } },
    { name: "a slice", edit: { ...A, metadata: { ...A.metadata, slice: ["lang:en"] } } },
    { name: "a reference answer", edit: { ...A, metadata: { ...A.metadata, expected: "x" } } },
    { name: "the id", edit: { ...A, metadata: { ...A.metadata, id: "ts-009" } } },
  ])("changes with $name", ({ edit }) => {
    expect(parsed(edit, B).hash).not.toBe(parsed(A, B).hash);
  });

  test("is the same for every order of any cases", () => {
    const ids = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(ids, (names) => {
        const cases = names.map((id) => ({ vars: { id }, assert: [{ type: "is-json" }], metadata: { id } }));
        expect(parsed(...cases.toReversed()).hash).toBe(parsed(...cases).hash);
      }),
    );
  });
});

describe("a bad line is named", () => {
  test.each([
    {
      name: "no JSON",
      text: `${JSON.stringify(A)}\n{oops`,
      says: "evals/a.jsonl:2: is not one JSON object.",
    },
    {
      name: "the same id twice",
      text: `${JSON.stringify(A)}\n\n${JSON.stringify(A)}`,
      says: "evals/a.jsonl:3 metadata.id: ts-001 is also the id of line 1. Give each case an id of its own.",
    },
    {
      name: "the same case twice",
      text: '{"vars":{"a":1}}\n{"vars":{"a":1}}',
      says: "evals/a.jsonl:2 metadata.id: is the same case as line 1.",
    },
    {
      name: "an assert without a type",
      text: '{"assert":[{"value":"x"}]}',
      says: "evals/a.jsonl:1 assert.0.type: is missing. Add assert.0.type.",
    },
    {
      name: "a variable in another file",
      text: '{"vars":{"t":"file://x.txt"}}',
      says: "evals/a.jsonl:1 vars.t: points to a file",
    },
    {
      name: "a date that is none",
      text: '{"metadata":{"added":"yesterday"}}',
      says: "evals/a.jsonl:1 metadata.added: must be a date such as 2026-11-24. Correct metadata.added.",
    },
    { name: "no cases", text: "\n\n", says: "evals/a.jsonl: has no cases." },
  ])("$name", ({ text, says }) => {
    const result = parseEvalSet(text, "evals/a.jsonl");
    expect(result.kind === "invalid" && result.problems.map(formatProblem).join("\n")).toContain(says);
  });
});

test("lists that promptfoo would expand, and cases without asserts, are warned about", () => {
  const result = parseEvalSet('{"vars":{"items":["a","b"]}}', "a.jsonl");
  expect(result.kind === "parsed" && result.warnings.map(({ field }) => field)).toEqual([
    "vars.items",
    "assert",
  ]);
});
