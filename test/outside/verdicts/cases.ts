import type { OutsideCase } from "../case.ts";

type Expected =
  | { readonly state: "scored"; readonly label: "pass" | "fail"; readonly score: number }
  | { readonly state: "cannot_judge"; readonly cause: string };

interface VerdictCase extends OutsideCase {
  /** What the model says, and says again when it is asked once more. */
  readonly text: string;
  readonly expected: Expected;
}

const YES = { statement: "charged twice", supported: true, quote: "charged twice" };
const NO = { statement: "on a Monday", supported: false, quote: "" };
const pass = { evidence: [YES], reasoning: "All is there.", label: "pass", failure_type: null };
const fail = { evidence: [YES, NO], reasoning: "The day is new.", label: "fail", failure_type: "invention" };
const PASS = JSON.stringify(pass);
const FAIL = JSON.stringify(fail);
const passes: Expected = { state: "scored", label: "pass", score: 1 };
const fails: Expected = { state: "scored", label: "fail", score: 0.4 };
const without = (cause: string): Expected => ({ state: "cannot_judge", cause });
const of = (given: string, text: string | object, becomes: string, expected: Expected): VerdictCase => ({
  given,
  text: typeof text === "string" ? text : JSON.stringify(text),
  becomes,
  expected,
});

export const VERDICT_CASES: readonly VerdictCase[] = [
  of(
    "a draft in `<think>`, then the object",
    `<think>Perhaps ${PASS}</think>\n${FAIL}`,
    "the last object counts",
    fails,
  ),
  of(
    "thinking whose opening tag the server kept",
    `It may be ${PASS}.\n</think>\n${FAIL}`,
    "the last object counts",
    fails,
  ),
  of(
    "thinking that never ends",
    `<think>So ${PASS} and then`,
    "`cannot_judge`: unreadable",
    without("unreadable"),
  ),
  of(
    "lone braces in the thinking",
    `<thinking>if (a) { b( "x }</thinking>${FAIL}`,
    "the object counts",
    fails,
  ),
  of("`[THINK]` with a draft", `[THINK]${PASS}[/THINK]${FAIL}`, "the last object counts", fails),
  of(
    "an analysis channel before the final one",
    `<|channel|>analysis<|message|>${PASS}<|end|><|channel|>final<|message|>${FAIL}`,
    "the final channel counts",
    fails,
  ),
  of(
    "two fenced blocks, a draft and a correction",
    `\`\`\`json\n${PASS}\n\`\`\`\nCorrected:\n\`\`\`json\n${FAIL}\n\`\`\``,
    "the last block counts",
    fails,
  ),
  of(
    "an object after a sentence, and words after it",
    `My verdict: ${FAIL} I hope that helps {smile}.`,
    "the object counts",
    fails,
  ),
  of(
    "a complete draft, then an object that was cut",
    `${PASS}\nFinal: {"evidence":[{"statement":"on`,
    "`cannot_judge`: unreadable",
    without("unreadable"),
  ),
  of("an object within another", { result: { judgement: fail } }, "the inner object counts", fails),
  of("an object in a list", [fail], "the object counts", fails),
  of(
    "a text that names a tag in a quote",
    { ...fail, reasoning: "It says </think> somewhere." },
    "the object counts",
    fails,
  ),
  of(
    "a trailing comma and a line break in a string",
    FAIL.replace("The day", "The\nday").replace(/\}$/, ",}"),
    "the object counts",
    fails,
  ),
  of(
    "Python's words and quotes",
    "{'evidence': [{'statement': 'on a Monday', 'supported': False, 'quote': None}], 'reasoning': '', 'label': 'fail', 'failure_type': None}",
    "the object counts",
    { state: "scored", label: "fail", score: 0 },
  ),
  of(
    "`evidence: []` with pass",
    { ...pass, evidence: [] },
    "`cannot_judge`: no evidence",
    without("no_evidence"),
  ),
  of(
    "`evidence: []` with fail",
    { ...fail, evidence: [] },
    "`cannot_judge`: no evidence, as with pass",
    without("no_evidence"),
  ),
  of(
    "no evidence at all, with pass",
    { label: "pass" },
    "`cannot_judge`: no evidence",
    without("no_evidence"),
  ),
  of(
    "evidence without a word in it",
    { ...pass, evidence: [{ statement: " ", supported: true, quote: "" }] },
    "`cannot_judge`: no evidence",
    without("no_evidence"),
  ),
  of(
    "evidence that does not say whether it is supported",
    { ...pass, evidence: ["charged twice"] },
    "`cannot_judge`: no evidence",
    without("no_evidence"),
  ),
  of("`quote: null`", { ...fail, evidence: [YES, { ...NO, quote: null }] }, "counts", fails),
  of(
    "no `quote` and no `failure_type`",
    { evidence: [YES, { statement: "x", supported: false }], reasoning: "r", label: "fail" },
    "counts",
    fails,
  ),
  of('`"Fail"`', { ...fail, label: "Fail" }, "counts", fails),
  of('`" PASSED. "`', { ...pass, label: " PASSED. " }, "counts", passes),
  of(
    '`supported: "false"`',
    {
      ...fail,
      evidence: [
        { ...YES, supported: "true" },
        { ...NO, supported: "false" },
      ],
    },
    "counts",
    fails,
  ),
  of(
    "`supported: 0` and `1`",
    {
      ...fail,
      evidence: [
        { ...YES, supported: 1 },
        { ...NO, supported: 0 },
      ],
    },
    "counts",
    fails,
  ),
  of(
    "keys in capitals and with spaces",
    {
      Evidence: [
        { Statement: "s", Supported: "No" },
        { Statement: "t", Supported: "Yes" },
      ],
      Reasoning: "r",
      Label: "FAIL",
      "Failure Type": "Invention",
    },
    "counts",
    fails,
  ),
  of("`verdict` for `label`", { evidence: [YES, NO], reasoning: "r", verdict: "fail" }, "counts", fails),
  of("one piece of evidence that is no list", { ...pass, evidence: YES }, "counts", passes),
  of(
    "a failure type that nobody knows",
    { ...fail, failure_type: "hallucination" },
    "counts as other",
    fails,
  ),
  of('`failure_type: "none"` with pass', { ...pass, failure_type: "none" }, "counts", passes),
  of(
    "pass against its own evidence",
    { ...fail, label: "pass", failure_type: null },
    "`cannot_judge`: contradiction",
    without("contradiction"),
  ),
  of(
    "pass that names an omission",
    { ...pass, failure_type: "omission" },
    "`cannot_judge`: contradiction",
    without("contradiction"),
  ),
  of(
    "fail for an invention, with all supported",
    { ...pass, label: "fail", failure_type: "invention" },
    "`cannot_judge`: contradiction",
    without("contradiction"),
  ),
  of(
    "fail for an omission, with all supported",
    { ...pass, label: "fail", failure_type: "omission" },
    "counts: no statement shows what is missing",
    fails,
  ),
  of(
    '`"can\'t judge"`',
    { ...pass, label: "can't judge" },
    "`cannot_judge`: undecided",
    without("undecided"),
  ),
  of(
    "a label that is none",
    { ...pass, label: "pass|fail" },
    "`cannot_judge`: unreadable",
    without("unreadable"),
  ),
  of("words only", "I would say it passes.", "`cannot_judge`: unreadable", without("unreadable")),
  of("an empty answer", "", "`cannot_judge`: unreadable", without("unreadable")),
];
