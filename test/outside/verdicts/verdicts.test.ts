/** Kind: reading a model's verdict. */
import { expect, test } from "vitest";
import { says, startJudge } from "../judge-over-http.ts";
import { VERDICT_CASES } from "./cases.ts";

test.each(VERDICT_CASES)("$given: $becomes", async ({ text, expected }) => {
  const { ask } = await startJudge([{ body: says("openai", text) }]);
  expect(await ask()).toMatchObject(expected);
});

test("whether a verdict is dropped does not depend on its label: half pass, half fail, and so does the mean", async () => {
  const states: string[] = [];
  for (const label of ["pass", "fail"]) {
    for (const evidence of [[], null, [{ statement: "", supported: true }]]) {
      const text = JSON.stringify({ evidence, reasoning: "r", label, failure_type: null });
      const { ask } = await startJudge([{ body: says("openai", text) }]);
      states.push((await ask()).state);
    }
  }
  expect(new Set(states)).toEqual(new Set(["cannot_judge"]));
});

test("a text of nothing but braces is given up in time", async () => {
  const { ask } = await startJudge([{ body: says("openai", '{"label'.repeat(100_000)) }]);
  expect(await ask()).toMatchObject({ state: "cannot_judge", cause: "unreadable" });
});
