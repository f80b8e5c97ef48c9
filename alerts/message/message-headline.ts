/** What is read first, and often alone: the preview of the notification and the title. */
import type { Detection } from "@plumbline/schemas";
import type { IncidentState } from "../incident/lifecycle.ts";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import { nextStep } from "./progress-lines.ts";
import { formatValue } from "../words/quantity.ts";
import { byExplanation } from "./slice-lines.ts";
import { clip, versionLabel } from "../words/text.ts";

export const PREVIEW_LENGTH_MAX = 250;
export const TITLE_LENGTH_MAX = 150;

/** At most `PREVIEW_LENGTH_MAX` characters. */
export function preview(state: IncidentState): string {
  const { detection, severity } = state;
  const stateWord = state.state === "firing" ? "" : ` ${state.state}`;
  const head = `[${severity}${stateWord}] `;
  const action = ` ${nextStep(state)}.`;
  const sentence = `${detection.use_case}: ${resolvedSentence(state) ?? measureWords(detection).sentence}.`;
  const where = state.state === "firing" ? previewWhere(detection) : "";
  // What to do is never cut off; what is cut first is the place, then the names.
  const full = `${head}${sentence}${where}${action}`;
  if (full.length <= PREVIEW_LENGTH_MAX) return full;
  return `${head}${clip(sentence, PREVIEW_LENGTH_MAX - head.length - action.length)}${action}`;
}

/** At most `TITLE_LENGTH_MAX` characters. */
export function title(state: IncidentState): string {
  const { detection } = state;
  const text = resolvedTitle(state) ?? measureWords(detection).title;
  return clip(`${detection.use_case}: ${text}`, TITLE_LENGTH_MAX);
}

/** Null while it is not over. */
function resolvedTitle(state: IncidentState): string | null {
  const { detection, recovery } = state;
  if (recovery === null || state.state !== "resolved") return null;
  const { label, unit } = detection.metric;
  const { mean } = recovery.current;
  if (mean !== null && measureWords(detection).isMeasuredAgain)
    return `${label} back to ${formatValue(mean, unit)}${onVersion(state)}`;
  return overText(state);
}

function resolvedSentence(state: IncidentState): string | null {
  const { detection, recovery } = state;
  if (recovery === null || state.state !== "resolved") return null;
  const { label, unit } = detection.metric;
  const { mean } = recovery.current;
  if (mean === null || !measureWords(detection).isMeasuredAgain) return overText(state);
  const how = recoveryWords(detection, recovery.cause, recovery.current);
  return `${label} is ${formatValue(mean, unit)}${onVersion(state)}, ${how}`;
}

/** `calls are judged again`; with what it was about where the words do not say it. */
function overText({ detection, recovery }: IncidentState): string | null {
  if (recovery === null) return null;
  const how = recoveryWords(detection, recovery.cause, recovery.current);
  return recovery.cause === "gap_closed" ? how : `${detection.metric.label} over: ${how}`;
}

function onVersion({ detection, recovery }: IncidentState): string {
  if (recovery === null || detection.kind === "judge_drift") return "";
  const { prompt_version, number } = recovery.current;
  return ` on ${versionLabel(detection, prompt_version, number)}`;
}

function previewWhere(detection: Detection): string {
  const [slice] = byExplanation(detection);
  switch (detection.verdict) {
    case "DISTRIBUTIONAL":
      return slice === undefined ? "" : ` Concentrated in ${slice.name}.`;
    case "MIXED":
      return slice === undefined ? "" : ` Strongest in ${slice.name}.`;
    case "UNIFORM":
      return " Uniform.";
    case "INCONCLUSIVE":
    case null:
      return "";
  }
}
