import type { JudgedUnitRow } from "@plumbline/ports";
import { expect, test } from "vitest";
import { pickExamples } from "./explain-regression.ts";

function unit(call_id: string, score: number, input: string, slices: readonly string[] = []): JudgedUnitRow {
  return {
    tenant: "default",
    env: "production",
    use_case: "ticket-summary",
    criterion: "faithfulness",
    rubric_hash: "",
    judge: "judge",
    is_guardrail: true,
    prompt_version: "v2",
    judged_at: "2026-11-24T10:00:00.000Z",
    call_id,
    score,
    slices,
    sample_rate: 1,
    input_fingerprint: input,
  };
}

test("the worst of the slice come first, those with a better answer of the version before ahead of all", () => {
  const current = [
    unit("a", 0, "1", ["money", "de"]),
    unit("b", 0.2, "2", ["money", "de"]),
    unit("c", 0.1, "3", ["money", "de"]),
    unit("d", 0, "4", ["money"]),
  ];
  const reference = [unit("old", 0.9, "2"), unit("worse", 0.1, "2"), unit("no better", 0, "3")];
  expect(pickExamples(current, reference, "money & de")).toEqual([
    { call_id: "b", score: 0.2, before_call_id: "old" },
    { call_id: "a", score: 0, before_call_id: null },
    { call_id: "c", score: 0.1, before_call_id: null },
  ]);
});

test("one input is shown once, and at most three are", () => {
  const current = ["a", "b", "c", "d", "e"].map((id, i) => unit(id, 0, i < 2 ? "same" : id));
  expect(pickExamples(current, [], null).map(({ call_id }) => call_id)).toEqual(["a", "c", "d"]);
  expect(pickExamples([], [], null)).toEqual([]);
});
