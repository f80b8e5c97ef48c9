/** Texts that a message shows as they are. */
import type { Quote } from "@plumbline/ports";
import type { Detection } from "@plumbline/schemas";
import { incumbentLabel, candidateLabel } from "../words/text.ts";

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
