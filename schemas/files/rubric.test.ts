import { expect, test } from "vitest";
import { RubricFile } from "./rubric.ts";

test("an autoevals file loads as it is", () => {
  const file = RubricFile.parse({
    prompt: "Is {{output}} right about {{input}}?",
    choice_scores: { A: 0.4, B: 1 },
    model: "gpt-4o",
    use_cot: true,
    temperature: 0,
  });
  expect(file).toMatchObject({ method: "statements", pass_if: 1, guardrail: false, model: { id: "gpt-4o" } });
});

test.each([
  ["score >= 1.0", 1],
  ["score >= 0.8", 0.8],
  [0.5, 0.5],
])("pass_if %j is the pass mark %d", (pass_if, expected) => {
  expect(RubricFile.parse({ criterion: "c", pass_if }).pass_if).toBe(expected);
});

test.each([
  ["neither criterion nor prompt", {}],
  ["a score for cannot_judge", { criterion: "c", choice_scores: { cannot_judge: 0 } }],
  ["a pass mark above one", { criterion: "c", pass_if: "score >= 2" }],
  ["a name that is no slug", { criterion: "c", name: "My Rubric" }],
])("%s is refused", (_name, file) => {
  expect(RubricFile.safeParse(file).success).toBe(false);
});
