import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { JudgeAnswer, Rubric } from "@plumbline/ports";
import { judgeContract } from "@plumbline/ports/judge.contract";
import { describe, expect, test } from "vitest";
import { createLexicalJudge } from "./judge.ts";
import { findNumbers } from "./numbers.ts";

const judge = createLexicalJudge();
const RUBRIC: Rubric = {
  name: "faithfulness",
  version: 1,
  hash: "sha256:0",
  is_guardrail: true,
  criterion: "",
  pass_if: 0.8,
};

function ask(input: string, output: string, rubric: Rubric = RUBRIC): Promise<JudgeAnswer> {
  return judge.judge({ rubric, input, output }, { signal: new AbortController().signal });
}

judgeContract("the lexical judge", async () => ({
  judge: createLexicalJudge(),
  close: async () => undefined,
}));

const TICKET =
  "Hello, my name is Maria Keller. On March 5 I was charged $49.99 twice for order 88213 in the Munich shop. " +
  "I do not want a voucher. Please refund one payment.";

test.each([
  {
    name: "all facts kept",
    output: "Maria Keller was charged $49.99 twice on March 5 for order 88213 and wants a refund.",
    label: "pass",
  },
  {
    name: "an amount in words",
    output: "Maria Keller paid forty-nine dollars and 99 cents twice, for order 88213.",
    label: "pass",
  },
  {
    name: "masks",
    output: "[NAME] was charged [AMOUNT] twice and wants a refund.",
    label: "fail",
    failure: "omission",
  },
  {
    name: "asterisks",
    output: "Maria Keller was charged *** twice and wants a refund.",
    label: "fail",
    failure: "omission",
  },
  {
    name: "an invented amount",
    output: "Maria Keller was charged $59.99 twice on March 5.",
    label: "fail",
    failure: "invention",
  },
  { name: "an invented name", output: "Maria was charged twice by Peter Schmidt.", label: "fail" },
  {
    name: "the amount left out",
    output: "The customer was charged more than once and wants a refund of one payment.",
    label: "fail",
    failure: "omission",
  },
  { name: "nothing at all", output: "  \n", label: "fail", failure: "format" },
  { name: "a loop", output: "the customer was charged twice ".repeat(40), label: "fail", failure: "format" },
  {
    name: "own counting",
    output: "Maria Keller has two requests about order 88213, $49.99 each.",
    label: "pass",
  },
])("of a ticket, $name: $label", async ({ output, label, failure }) => {
  const answer = await ask(TICKET, output);
  expect(answer).toMatchObject({ state: "scored", label });
  if (failure !== undefined) expect(answer).toMatchObject({ failure_type: failure });
});

test("the reason says in words what is wrong, in short quotes", async () => {
  const answer = await ask(TICKET, "Maria Keller was charged $59.99 twice by Peter on [DATE].");
  expect(answer.reason).toContain("the input does not mention “$59.99”");
  expect(answer.reason).toContain("a placeholder stands where the input has text ([DATE])");
  expect(answer.reason).toContain("the input does not name “Peter”");
});

test.each([
  {
    name: "an output without anything to compare",
    input: TICKET.replace("$49.99", "it"),
    output: "Understood.",
    rubric: RUBRIC,
  },
  {
    name: "a criterion that is not about facts",
    input: TICKET,
    output: "Fine.",
    rubric: { ...RUBRIC, name: "tone" },
  },
  { name: "an empty input", input: " ", output: "Maria was charged $49.99.", rubric: RUBRIC },
  {
    name: "a translation without a number or a name",
    input: "The customer would like to know why the parcel has not arrived and when it will be here.",
    output: "Wann kommt das Paket und warum ist es noch nicht da?",
    rubric: RUBRIC,
  },
])("$name cannot be judged", async ({ input, output, rubric }) => {
  expect(await ask(input, output, rubric)).toMatchObject({ state: "cannot_judge" });
});

test("placeholders of the input are not held against the output", async () => {
  const answer = await ask(
    "Hello [CLIENT NAME], your plan costs $20.",
    "The plan of [CLIENT NAME] costs $20.",
  );
  expect(answer).toMatchObject({ label: "pass", score: 1 });
});

test.each([
  ["1,200.50 euros", 1200.5, true],
  ["49,99 €", 49.99, true],
  ["1.200.000,5", 1_200_000.5, false],
  ["$75 million", 75e6, true],
  ["twenty-five people", 25, false],
  ["one hundred and five", 105, false],
  ["twelve and a half Euros", 12.5, true],
  ["fifty million", 50e6, false],
  ["40 per cent", 40, true],
])("%j is the number %d", (text, value, hasUnit) => {
  expect(findNumbers(text, { inWords: true })).toMatchObject([{ value, hasUnit }]);
});

interface DataRow {
  readonly prompt_version: string;
  readonly input: string;
  readonly output: string;
  readonly meta: { readonly damaged: boolean; readonly in_slice: boolean };
}

const DATA = new URL("../../../../shared/data/open/incident_money_qmsum.events.jsonl.gz", import.meta.url);
if (!existsSync(DATA))
  console.warn(`SKIPPED: ${DATA.pathname} is absent, the judge is not measured on real text`);

describe.skipIf(!existsSync(DATA))(
  "on 1,142 real meeting summaries, as written and as redacted by a prompt edit",
  () => {
    const rows = (): readonly DataRow[] =>
      gunzipSync(readFileSync(DATA))
        .toString("utf8")
        .trim()
        .split("\n")
        .map((line): DataRow => JSON.parse(line));

    async function passRate(chosen: readonly DataRow[]): Promise<number> {
      let pass = 0;
      let scored = 0;
      for (const { input, output } of chosen) {
        const answer = await ask(input, output);
        if (answer.state !== "scored") continue;
        scored++;
        if (answer.label === "pass") pass++;
      }
      expect(scored).toBeGreaterThan(chosen.length * 0.95);
      return pass / scored;
    }

    test("what people wrote passes, what was redacted fails, what was left alone passes as before", async () => {
      const all = rows();
      const v1 = all.filter((row) => row.prompt_version === "v1");
      const v2 = all.filter((row) => row.prompt_version === "v2");
      // Measured: 0.965 (in the slice 0.898), 0.000 and 0.973.
      expect(await passRate(v1)).toBeGreaterThan(0.95);
      expect(await passRate(v1.filter((row) => row.meta.in_slice))).toBeGreaterThan(0.88);
      expect(await passRate(v2.filter((row) => row.meta.damaged))).toBeLessThan(0.05);
      expect(await passRate(v2.filter((row) => !row.meta.damaged))).toBeGreaterThan(0.95);
    });
  },
);
