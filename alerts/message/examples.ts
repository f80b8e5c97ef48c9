/**
 * What a message quotes: examples (what was asked, what was answered, what the version before answered to the same), and
 * the changed lines of the prompt.
 */
import type { Quote } from "@plumbline/ports";
import { clip, DAY_MS, type Detection, TEXTS_KEPT_DAYS } from "@plumbline/schemas";
import type { ExampleText } from "@plumbline/schemas/queries";
import { formatPercent } from "../words/quantity.ts";
import { examples as say } from "../words/sentences.ts";
import { candidateLabel, incumbentLabel, sentenceCase } from "../words/text.ts";

/** How much of what customers wrote a channel shows: nothing, what is left without addresses and numbers, or all. */
export type ExamplesMode = "off" | "redacted" | "full";

/** Texts by call id. */
export type ExampleTexts = ReadonlyMap<string, ExampleText>;

export const NO_TEXTS: ExampleTexts = new Map();

const EXCERPT_LENGTH_MAX = 300;

/** exampleCalls returns the ids of the calls whose texts an incident's message shows. */
export function exampleCalls(detection: Detection): readonly string[] {
  if (detection.kind !== "quality") return [];
  return (detection.evidence.examples ?? []).flatMap(({ call_id, before_call_id }) =>
    before_call_id === null ? [call_id] : [call_id, before_call_id],
  );
}

/** One quote for each example whose answer is there. */
export function exampleQuotes(
  detection: Detection,
  texts: ExampleTexts,
  mode: ExamplesMode,
): readonly Quote[] {
  if (detection.kind !== "quality" || mode === "off") return [];
  const shown = (text: string): string => {
    const flat = text.replace(/\s+/gu, " ").trim();
    return clip(mode === "full" ? flat : redact(flat), EXCERPT_LENGTH_MAX);
  };
  return (detection.evidence.examples ?? []).flatMap(({ call_id, before_call_id, score }) => {
    const call = texts.get(call_id);
    if (call === undefined || call.output === null) return [];
    const old = before_call_id === null ? undefined : texts.get(before_call_id);
    const lines = [
      ...(call.input === null ? [] : [say.request(shown(call.input))]),
      say.answer(sentenceCase(candidateLabel(detection)), shown(call.output)),
      ...(old === undefined || old.output === null
        ? []
        : [say.answer(sentenceCase(incumbentLabel(detection)), shown(old.output))]),
    ];
    const starts = [call, ...(old === undefined ? [] : [old])].map(({ started_at }) =>
      Date.parse(started_at),
    );
    return [
      {
        title: say.title(formatPercent(score)),
        format: "text" as const,
        text: lines.join("\n"),
        call_ids: before_call_id === null ? [call_id] : [call_id, before_call_id],
        until: new Date(Math.min(...starts) + TEXTS_KEPT_DAYS * DAY_MS).toISOString(),
      },
    ];
  });
}

/**
 * Takes out of a text what most likely names or pays somebody: addresses, links, amounts, and longer numbers. It finds no
 * names of people, so a text that went through it is still a customer's.
 */
const CURRENCY = "(?:\\p{Sc}|\\b(?:USD|EUR|GBP|CHF|JPY|INR|dollars?|euros?|pounds?|francs?)\\b)";
const NUMBER = "\\d[\\d.,'’\u00a0]{0,20}";

const RULES: readonly (readonly [RegExp, string])[] = [
  [/[^\s@<>()]{1,64}@[^\s@<>()]{1,190}\.[a-z]{2,24}/giu, "[EMAIL]"],
  [/\bhttps?:\/\/[^\s<>"]{1,500}/giu, "[LINK]"],
  [new RegExp(`${CURRENCY}\\s?${NUMBER}`, "giu"), "[AMOUNT]"],
  [new RegExp(`${NUMBER}\\s?${CURRENCY}`, "giu"), "[AMOUNT]"],
  // Telephone, card, order and account numbers: four digits and more, with what stands between them.
  [/\+?\d(?:[ ()./-]{0,2}\d){3,30}/gu, "[NUMBER]"],
];

export function redact(text: string): string {
  return RULES.reduce((all, [pattern, instead]) => all.replace(pattern, instead), text);
}

/** The changed lines of the prompt; null where the registry does not hold both, or none changed. */
export function changeQuote(detection: Detection): Quote | null {
  const { change } = detection;
  if (change === undefined || change.lines.length === 0) return null;
  const left = change.lines_added + change.lines_removed - change.lines.length;
  return {
    title: `Prompt, ${incumbentLabel(detection)} to ${candidateLabel(detection)}`,
    format: "diff",
    text: [
      ...change.lines.map(({ op, text }) => `${op === "added" ? "+" : "−"} ${text}`),
      ...(left > 0 ? [`and ${left} more changed lines`] : []),
    ].join("\n"),
    call_ids: [],
    until: null,
  };
}
