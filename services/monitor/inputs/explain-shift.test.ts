import type { JudgedUnitRow } from "@plumbline/ports";
import { expect, test } from "vitest";
import { explainShift } from "./explain-shift.ts";

/** `passes` of `units` judged conversations, in the money slice or outside of it. */
function units(isMoney: boolean, count: number, passes: number, criterion = "faithfulness"): JudgedUnitRow[] {
  return Array.from({ length: count }, (_, i) => ({
    tenant: "t",
    env: "e",
    use_case: "u",
    criterion,
    is_guardrail: criterion === "faithfulness",
    rubric_hash: "r",
    judge: "j",
    prompt_version: "v1",
    judged_at: "2026-03-02T00:00:00.000Z",
    call_id: `${isMoney} ${i}`,
    score: i < passes ? 1 : 0,
    slices: isMoney ? ["mentions_money"] : [],
    sample_rate: 0.05,
  }));
}

const shares = { before: 0.2, after: 0.4 };
const before = [...units(true, 100, 80), ...units(false, 400, 380)];

test("more of a hard topic with unchanged quality on it is all mix", () => {
  const explained = explainShift("mentions_money", shares, before, [
    ...units(true, 40, 32),
    ...units(false, 60, 57),
  ]);
  expect(explained).toMatchObject({
    criterion: "faithfulness",
    mix: { input_shift: true, shifts: [{ name: "mentions_money", ...shares }] },
  });
  // 20 points of traffic from 95% to 80%.
  expect(explained?.mix.mix).toBeCloseTo(0.2 * (0.8 - 0.95), 10);
  expect(explained?.mix.within).toBeCloseTo(0, 10);
});

test("worse quality on the topic is within it", () => {
  const explained = explainShift("mentions_money", shares, before, [
    ...units(true, 40, 20),
    ...units(false, 60, 57),
  ]);
  expect(explained?.mix.input_shift).toBe(false);
  expect(explained?.mix.within).toBeCloseTo(0.3 * (0.5 - 0.8), 10);
});

test("guardrails come first, and nineteen judged conversations of a cell are too few to say anything", () => {
  const after = [
    ...units(true, 19, 19),
    ...units(false, 60, 57),
    ...units(true, 90, 90, "tone"),
    ...units(false, 90, 90, "tone"),
  ];
  expect(explainShift("mentions_money", shares, before, after)).toBeNull();
  expect(explainShift("mentions_money", shares, before, [])).toBeNull();
});
