/** The page of compatibility, from the cases that the tests of this folder run. */
import { CACHE_CASES, EVAL_CASES, GATE_CASES } from "./absence/cases.ts";
import type { OutsideCase } from "./case.ts";
import { CUT_CASES } from "./cuts/cases.ts";
import { FIELD_CASES } from "./fields/cases.ts";
import { IMPORT_CASES } from "./imports/cases.ts";
import { CALL_CASES, PRICE_CASES, TOKEN_CASES } from "./money/cases.ts";
import { REFUSAL_CASES } from "./refusals/cases.ts";
import { SHAPE_CASES } from "./shapes/cases.ts";
import { VERDICT_CASES } from "./verdicts/cases.ts";
import { WORD_CASES } from "./words/cases.ts";
import { TIME_CASES, ZONE_CASES, ZONE_NAME_CASES } from "./zones/cases.ts";

const KINDS: readonly {
  readonly title: string;
  readonly rule: string;
  readonly cases: readonly OutsideCase[];
}[] = [
  {
    title: "A judge's verdict",
    rule: "The last complete object after any thinking counts, read leniently where its meaning is clear. Without evidence, or against it, a label is no verdict, whichever it is.",
    cases: VERDICT_CASES,
  },
  {
    title: "A provider's refusal",
    rule: "A refusal speaks about its request unless it names the key, the endpoint or a parameter. Only what is named, or found out with a request that any model answers, is given up, for one endpoint and model.",
    cases: REFUSAL_CASES,
  },
  {
    title: "Shapes of answers",
    rule: "Judge, eval and replay read answers through one layer. What is not said is unknown; an answer that isn't there is none.",
    cases: SHAPE_CASES,
  },
  {
    title: "Long texts",
    rule: "Texts are cut between characters, to head and tail; the verdict says how much of them was judged.",
    cases: CUT_CASES,
  },
  {
    title: "Fields of a call",
    rule: "A wrong optional field becomes unknown, with a warning that names it; a wrong required one refuses the call.",
    cases: FIELD_CASES,
  },
  {
    title: "Absence",
    rule: "A refusal, an empty answer and a case without a score are states with names; none of them passes, fails or is kept.",
    cases: [...EVAL_CASES, ...GATE_CASES, ...CACHE_CASES],
  },
  {
    title: "Money",
    rule: "Usage in anybody's words becomes the same counts, names in anybody's spelling the same price. What has no price has no cost: it is counted, and named in `plumbline.unpriced_calls_v1` and by `plumbline doctor`.",
    cases: [...TOKEN_CASES, ...PRICE_CASES, ...CALL_CASES],
  },
  {
    title: "Files of other tools",
    rule: "A prompt is read whole, or left out by its name with exit code 3; one of them never stops the others. Names are unique.",
    cases: IMPORT_CASES,
  },
  {
    title: "Words",
    rule: "One is one, what is not known is not zero, and advice fits what was given.",
    cases: WORD_CASES,
  },
  {
    title: "Time zones and clock changes",
    rule: "Hours of the week are usual by the clock of the use case: its configured zone, else the one that its traffic shows after a change, else UTC. The incident says which.",
    cases: [...ZONE_CASES, ...ZONE_NAME_CASES, ...TIME_CASES],
  },
];

export function compatibilityPage(): string {
  const count = KINDS.reduce((sum, { cases }) => sum + cases.length, 0);
  return `${[
    "# What models, providers and applications send",
    `Each of the ${count} rows is a test in \`test/outside\`, run against a scripted provider over HTTP, the collector or the command line. \`npm run docs:compatibility\` writes this page from them.`,
    ...KINDS.map(({ title, rule, cases }) =>
      [`## ${title}`, rule, table(cases.map(({ given, becomes }) => [given, becomes]))].join("\n\n"),
    ),
  ].join("\n\n")}\n`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  return ["| Given | What becomes of it |", "| --- | --- |", ...lines].join("\n");
}
