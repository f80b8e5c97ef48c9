import { describe, expect, test } from "vitest";
import type { Judge, JudgeAnswer, Rubric } from "./judge.ts";

/** One judge under test, on an input and two outputs that any judge of faithfulness must tell apart. */
export interface JudgeUnderTest {
  readonly judge: Judge;
  readonly close: () => Promise<void>;
}

/** What the suite puts before the judge; an adapter's fake provider answers to it. */
export const CONTRACT_CASE = {
  input:
    "Customer: I was charged $49.99 twice on March 5 by Northwind. Please refund one of the two payments.",
  faithful: "The customer was charged $49.99 twice by Northwind on March 5 and asks for one refund.",
  unfaithful: "The customer was charged [REDACTED] twice by Northwind on [REDACTED] and asks for one refund.",
} as const;

const RUBRIC: Rubric = {
  name: "faithfulness",
  version: 1,
  hash: `sha256:${"0".repeat(64)}`,
  is_guardrail: true,
  criterion: "Every claim is supported by the input; amounts, dates and names are kept.",
  pass_if: 0.8,
};

/** What every judge promises. An adapter's test calls this with a way to open a judge. */
export function judgeContract(name: string, open: () => Promise<JudgeUnderTest>): void {
  describe(`${name} keeps the contract of the judge`, () => {
    async function ask(output: string, rubric: Rubric = RUBRIC): Promise<JudgeAnswer> {
      const { judge, close } = await open();
      try {
        const signal = new AbortController().signal;
        return await judge.judge({ rubric, input: CONTRACT_CASE.input, output }, { signal });
      } finally {
        await close();
      }
    }

    test("it has a name to stand beside every score", async () => {
      const { judge, close } = await open();
      await close();
      expect(judge.name.trim()).not.toBe("");
    });

    test("a faithful output passes, with a score at or above the pass mark and no failure", async () => {
      const answer = await ask(CONTRACT_CASE.faithful);
      expect(answer).toMatchObject({ state: "scored", label: "pass", failure_type: null });
      if (answer.state === "scored") expect(answer.score).toBeGreaterThanOrEqual(RUBRIC.pass_if);
    });

    test("an output whose facts are masked fails, with a score below the pass mark, a failure and a reason", async () => {
      const answer = await ask(CONTRACT_CASE.unfaithful);
      expect(answer).toMatchObject({ state: "scored", label: "fail" });
      if (answer.state !== "scored") return;
      expect(answer.score).toBeLessThan(RUBRIC.pass_if);
      expect(answer.failure_type).not.toBeNull();
      expect(answer.reason.length).toBeGreaterThan(0);
    });

    test.each([0, 0.3, 0.5, 0.8, 1])("the label follows the score at the pass mark %d", async (pass_if) => {
      for (const output of [CONTRACT_CASE.faithful, CONTRACT_CASE.unfaithful]) {
        const answer = await ask(output, { ...RUBRIC, pass_if });
        if (answer.state !== "scored") continue;
        expect(answer.score).toBeGreaterThanOrEqual(0);
        expect(answer.score).toBeLessThanOrEqual(1);
        expect(answer.label).toBe(answer.score >= pass_if ? "pass" : "fail");
        expect(answer.failure_type === null).toBe(answer.label === "pass");
      }
    });

    test("the cost is null or a number of dollars", async () => {
      const { cost_usd } = await ask(CONTRACT_CASE.faithful);
      if (cost_usd !== null) expect(cost_usd).toBeGreaterThanOrEqual(0);
    });

    test("it remembers nothing: the same question has the same answer", async () => {
      const { judge, close } = await open();
      try {
        const signal = new AbortController().signal;
        const request = { rubric: RUBRIC, input: CONTRACT_CASE.input, output: CONTRACT_CASE.unfaithful };
        const first = await judge.judge(request, { signal });
        await judge.judge({ ...request, output: CONTRACT_CASE.faithful }, { signal });
        expect(await judge.judge(request, { signal })).toEqual(first);
      } finally {
        await close();
      }
    });
  });
}
