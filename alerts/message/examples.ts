/** Examples of an alert: what was asked, what was answered, and what the version before answered to the same. */
import type { Quote } from "@plumbline/ports";
import { clip, DAY_MS, type Detection, TEXTS_KEPT_DAYS } from "@plumbline/schemas";
import type { ExampleText } from "@plumbline/schemas/queries";
import { formatPercent } from "../words/quantity.ts";
import { examples as say } from "../words/sentences.ts";
import { candidateLabel, incumbentLabel, sentenceCase } from "../words/text.ts";
import { redact } from "./redact.ts";

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
