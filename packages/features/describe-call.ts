/**
 * Describes a call for the writer: the slices it belongs to, and the numbers that drift is measured on.
 *
 * Slice predicates look at inputs and attributes only, never at the output: a slice chosen by the outcome would
 * make a regression look concentrated by construction. Output numbers are features, for the fingerprint.
 */
import type { LlmCall } from "@plumbline/schemas";
import { appendAttributeSlices } from "./attribute-slices.ts";
import { scanText, type TextScan } from "./scan-text.ts";
import { WordSet } from "./word-set.ts";

/** The part of a call that is looked at. */
export type DescribedCall = Pick<LlmCall, "model" | "input" | "output" | "attributes" | "vars">;

interface CallDescription {
  /** Names of the predicates that hold, without duplicates, at most 64, in a fixed order. */
  readonly slices: readonly string[];
  /**
   * `in_*` only when there is an input, `out_*` only when there is an output: a missing text is a missing number,
   * never a zero. Shares are in [0,1], the rest are counts.
   */
  readonly features: Readonly<Record<string, number>>;
}

const SLICES_MAX = 64;
/** Bounds of input_length, characters; about 100, 500 and 2,000 words. */
const SHORT_CHARS = 600;
const MEDIUM_CHARS = 3000;
const LONG_CHARS = 12_000;
/** Fewer signs of program text are punctuation. */
const CODE_MARKS_MIN = 4;
/** A refusal says so at once. */
const REFUSAL_CHARS = 240;
const REFUSAL =
  /\b(?:i(?:['’]m| am) (?:sorry|unable|not able)|i (?:cannot|can['’]t|can not|won['’]t)|as an ai\b|unable to (?:help|assist|comply|provide)|es tut mir leid|ich kann (?:nicht|leider)|je (?:suis désolé|ne peux pas)|lo siento|no puedo)/i;

// One process describes one call at a time, so the sets are shared; they are cleared, never reallocated.
const inputWords = new WordSet(2048);
const outputWords = new WordSet(2048);

/** Slices and features together, with one look at each text. Pure: the same call gives the same answer. */
export function describeCall(call: DescribedCall): CallDescription {
  const text = inputText(call);
  const input = text === null ? null : scanText(text, "input", inputWords, null);
  return {
    slices: slicesOf(call, input),
    features: featuresOf(call, input),
  };
}

/** The input, or the template variables when only they were captured. */
function inputText(call: DescribedCall): string | null {
  if (typeof call.input === "string") return call.input;
  if (call.vars === null || call.vars === undefined) return null;
  const values = Object.values(call.vars);
  return values.length === 0 ? null : values.join("\n");
}

function slicesOf(call: DescribedCall, input: TextScan | null): readonly string[] {
  const slices: string[] = [];
  if (input !== null) {
    if (input.amounts > 0) slices.push("mentions_money");
    if (input.dates > 0) slices.push("mentions_date");
    if (input.numbers > 0 || input.number_words > 0) slices.push("mentions_number");
    if (input.emails > 0) slices.push("has_email");
    if (input.urls > 0) slices.push("has_url");
    if (input.code_marks >= CODE_MARKS_MIN) slices.push("has_code");
    if (input.question_marks > 0 || input.starts_as_question) slices.push("is_question");
    if (input.negations > 0) slices.push("has_negation");
    slices.push(LANGUAGE_SLICES.get(input.language) ?? `lang=${input.language}`, lengthSlice(input.chars));
  }
  slices.push(`model=${call.model}`);
  appendAttributeSlices(slices, call.attributes);
  return slices.length > SLICES_MAX ? slices.slice(0, SLICES_MAX) : slices;
}

// Names made once: every call takes one, and a shared string is cheaper to write out.
const LANGUAGE_SLICES = new Map(
  ["en", "de", "fr", "es", "it", "pt", "nl", "zh", "ja", "ru", "und"].map((code) => [code, `lang=${code}`]),
);

/** isTextSlice returns true for slices of the text itself: a call whose text was not captured is in none of them. */
export function isTextSlice(slice: string): boolean {
  return !slice.includes("=") || slice.startsWith("lang=") || slice.startsWith("input_length=");
}

function lengthSlice(chars: number): string {
  if (chars < SHORT_CHARS) return "input_length=short";
  if (chars < MEDIUM_CHARS) return "input_length=medium";
  if (chars < LONG_CHARS) return "input_length=long";
  return "input_length=very_long";
}

function featuresOf(call: DescribedCall, input: TextScan | null): Readonly<Record<string, number>> {
  const output =
    typeof call.output === "string"
      ? scanText(call.output, "output", outputWords, input === null ? null : inputWords)
      : null;
  if (input !== null && output !== null) {
    return {
      in_chars: input.chars,
      in_words: input.words,
      in_lines: input.lines,
      in_digits: input.digits,
      in_digit_share: share(input.digits, input.chars),
      in_numbers: input.numbers + input.number_words,
      in_amounts: input.amounts,
      in_dates: input.dates,
      in_urls: input.urls,
      in_question_marks: input.question_marks,
      in_negations: input.negations,
      in_code_marks: input.code_marks,
      in_type_token_ratio: fourDigits(input.type_token_ratio),
      out_chars: output.chars,
      out_words: output.words,
      out_lines: output.lines,
      out_digits: output.digits,
      out_digit_share: share(output.digits, output.chars),
      out_numbers: output.numbers + output.number_words,
      out_amounts: output.amounts,
      out_dates: output.dates,
      out_urls: output.urls,
      out_question_marks: output.question_marks,
      out_negations: output.negations,
      out_masks: output.masks,
      out_refusals: refusals(call.output!),
      out_type_token_ratio: fourDigits(output.type_token_ratio),
      out_repeated_share: fourDigits(output.repeated_share),
      out_unseen_share: fourDigits(output.unseen_share),
      out_in_ratio: share(output.chars, input.chars),
    };
  }
  const features: Record<string, number> = {};
  if (input !== null) Object.assign(features, sideOf("in", input), { in_code_marks: input.code_marks });
  if (output !== null) {
    Object.assign(features, sideOf("out", output), {
      out_masks: output.masks,
      out_refusals: refusals(call.output!),
      out_repeated_share: fourDigits(output.repeated_share),
    });
  }
  return features;
}

function sideOf(side: "in" | "out", scan: TextScan): Record<string, number> {
  return {
    [`${side}_chars`]: scan.chars,
    [`${side}_words`]: scan.words,
    [`${side}_lines`]: scan.lines,
    [`${side}_digits`]: scan.digits,
    [`${side}_digit_share`]: share(scan.digits, scan.chars),
    [`${side}_numbers`]: scan.numbers + scan.number_words,
    [`${side}_amounts`]: scan.amounts,
    [`${side}_dates`]: scan.dates,
    [`${side}_urls`]: scan.urls,
    [`${side}_question_marks`]: scan.question_marks,
    [`${side}_negations`]: scan.negations,
    [`${side}_type_token_ratio`]: fourDigits(scan.type_token_ratio),
  };
}

/** 1 when the output begins like a refusal. */
function refusals(output: string): number {
  return REFUSAL.test(output.length > REFUSAL_CHARS ? output.slice(0, REFUSAL_CHARS) : output) ? 1 : 0;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : fourDigits(Math.min(part / whole, 1_000));
}

/** Drift is looked for in bins far wider than this; seventeen digits of each share would be a tenth of the row. */
function fourDigits(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
