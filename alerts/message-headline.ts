/** What is read first, and often alone: the preview of the notification and the title. */
import type { Detection } from "@plumbline/schemas";
import { coverageTitle } from "./coverage-words.ts";
import type { IncidentState } from "./lifecycle.ts";
import { nextStep } from "./next-step.ts";
import { formatSize, formatValue, unitOf } from "./quantity.ts";
import { byExplanation } from "./slice-text.ts";
import { clip } from "./text.ts";
import { candidateLabel, readable, versionLabel } from "./version-labels.ts";

export const PREVIEW_LENGTH_MAX = 250;
export const TITLE_LENGTH_MAX = 150;

/** At most `PREVIEW_LENGTH_MAX` characters. */
export function preview(state: IncidentState): string {
  const { detection, severity } = state;
  const stateWord = state.state === "firing" ? "" : ` ${state.state}`;
  const head = `[${severity}${stateWord}] `;
  const action = ` ${nextStep(state)}.`;
  const sentence = previewSentence(state);
  const where = state.state === "firing" ? previewWhere(detection) : "";
  // What to do is never cut off; what is cut first is the place, then the names.
  const full = `${head}${sentence}${where}${action}`;
  if (full.length <= PREVIEW_LENGTH_MAX) return full;
  return `${head}${clip(sentence, PREVIEW_LENGTH_MAX - head.length - action.length)}${action}`;
}

/** At most `TITLE_LENGTH_MAX` characters. */
export function title(state: IncidentState): string {
  return clip(wholeTitle(state), TITLE_LENGTH_MAX);
}

function wholeTitle(state: IncidentState): string {
  const { detection } = state;
  const unit = unitOf(detection);
  const name = `${detection.use_case}: ${detection.metric}`;
  if (state.recovery !== null && state.state === "resolved") {
    return `${name} back to ${formatValue(state.recovery.current.mean, unit)} on ${versionLabel(detection, state.recovery.current.prompt_version)}`;
  }
  const coverage = coverageTitle(detection);
  if (coverage !== null) return `${detection.use_case}: ${coverage}`;
  if (detection.incumbent === null) {
    return `${name} at ${formatValue(detection.candidate.mean, unit)} on ${candidateLabel(detection)}`;
  }
  const isDrift = detection.kind === "input_drift" || detection.kind === "output_drift";
  const direction = detection.effect < 0 ? "down" : "up";
  return `${name} ${isDrift ? "moved" : direction} ${formatSize(detection.effect, unit)} on ${candidateLabel(detection)}`;
}

function previewSentence(state: IncidentState): string {
  const { detection } = state;
  const unit = unitOf(detection);
  const name = `${detection.use_case}: ${detection.metric}`;
  const { candidate, incumbent } = detection;
  if (state.recovery !== null && state.state === "resolved") {
    return `${name} is ${formatValue(state.recovery.current.mean, unit)} on ${versionLabel(detection, state.recovery.current.prompt_version)}, ${readable(detection, state.recovery.how)}.`;
  }
  const coverage = coverageTitle(detection);
  if (coverage !== null) return `${detection.use_case}: ${coverage}.`;
  if (incumbent === null) {
    return `${name} is ${formatValue(candidate.mean, unit)} on ${candidateLabel(detection)}.`;
  }
  return (
    `${name} ${verb(detection)} ${formatSize(detection.effect, unit)} on ${candidateLabel(detection)} ` +
    `(${formatValue(incumbent.mean, unit)} → ${formatValue(candidate.mean, unit)}).`
  );
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

function verb(detection: Detection): string {
  if (detection.kind === "input_drift" || detection.kind === "output_drift") return "moved by";
  return detection.effect < 0 ? "fell" : "rose";
}
