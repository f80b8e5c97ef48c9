/**
 * Cuts the eval set out of the demo's texts: `node --conditions=source --import tsx examples/ticket-summary/make-eval-set.ts`.
 *
 * Items come in the order of the fixture, which is a hash of their ids, so nobody picked them; only long ones are left
 * out, to keep a run cheap. The cut is stratified, because the rare cases are the ones that broke. What is asserted
 * comes from the human summary: a figure that it gives and that was said must be in the answer, in digits or in words.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parsePrompt } from "@plumbline/prompts";
import { readPassages, type Passage } from "./passages.ts";

const MONEY_CASES = 36;
const OTHER_CASES = 36;
const INPUT_CHARS_MAX = 3_000;
const FIGURES_MAX = 3;
const ADDED = "2026-11-24";

const passages = readPassages().filter(({ input }) => input.length <= INPUT_CHARS_MAX);

const mentionsMoney = readAttribute("mentions_money");
const money = passages.filter(({ input }) => mentionsMoney.test(input)).slice(0, MONEY_CASES);
const other = passages.filter(({ input }) => !mentionsMoney.test(input)).slice(0, OTHER_CASES);
const lines = [...money, ...other].map((passage) => JSON.stringify(toCase(passage)));
writeFileSync(new URL("evals/ticket-summary.jsonl", import.meta.url), `${lines.join("\n")}\n`);
process.stdout.write(`${money.length} cases that mention money, ${other.length} others\n`);

function toCase({ id, input, v1 }: Passage): object {
  const [dataset, meeting = "", part] = id.split(":");
  const kind = /^(?:education|covid)_/.test(meeting) ? "parliament" : "product";
  return {
    description: input
      .split("\n")[0]!
      .replace(/^Question: /, "")
      .slice(0, 160),
    vars: { ticket: input },
    assert: [
      ...figuresOf(v1, input).map((value) => ({ type: "regex", value, metric: "figures" })),
      { type: "not-regex", value: String.raw`\[[A-Z][A-Z _]{2,}\]`, metric: "no_placeholders" },
      { type: "llm-rubric", value: "rubric:faithfulness" },
    ],
    metadata: {
      id: `${meeting}-${part}`,
      slice: [`mentions_money=${mentionsMoney.test(input)}`, `meeting=${kind}`],
      added: ADDED,
      source: `${dataset}:${meeting}:${part}`,
      expected: v1,
    },
  };
}

/** Patterns of the whole numbers of a summary that were also said, each in digits or in words. */
function figuresOf(summary: string, input: string): readonly string[] {
  const numbers = [...new Set((summary.match(/(?<![\w.,-])\d{1,3}(?![\w]|[.,-]\d)/g) ?? []).map(Number))];
  return (
    numbers
      .map((number) => String.raw`\b(${number}|${wordsOf(number)})\b`)
      .filter((pattern) => new RegExp(pattern, "i").test(input))
      // Asserts match as written, and a sentence may begin with a number.
      .map((pattern) =>
        pattern.replaceAll(/\|([a-z])/g, (_, letter: string) => `|[${letter.toUpperCase()}${letter}]`),
      )
      .slice(0, FIGURES_MAX)
  );
}

/** `twenty[ -]?five`: English words of a whole number below 1,000. */
function wordsOf(number: number): string {
  const ones =
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
      " ",
    );
  const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
  if (number < 20) return ones[number]!;
  if (number < 100) {
    const rest = number % 10;
    return `${tens[Math.floor(number / 10) - 2]!}${rest === 0 ? "" : `[ -]?${ones[rest]!}`}`;
  }
  const rest = number % 100;
  const hundreds = number < 200 ? "(one |a )?hundred" : `${ones[Math.floor(number / 100)]!} hundred`;
  return `${hundreds}${rest === 0 ? "" : ` (and )?${wordsOf(rest)}`}`;
}

/** The same pattern as production's slice. */
function readAttribute(name: string): RegExp {
  const file = "prompts/ticket-summary.prompt";
  const parsed = parsePrompt(readFileSync(new URL(file, import.meta.url), "utf8"), file);
  const pattern = parsed.kind === "parsed" ? parsed.value.attributes[name] : undefined;
  if (pattern === undefined) throw new Error(`${file} has no attribute ${name}`);
  return new RegExp(pattern.replace(/^regex:/, ""));
}
