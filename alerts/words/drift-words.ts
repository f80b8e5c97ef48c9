/** Inputs or answers that moved. Nothing here claims that quality fell. */
import type { InputDriftDetection, OutputDriftDetection } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import { inputShiftLine } from "./change-words.ts";
import {
  callsText,
  formatCount,
  formatInterval,
  formatMean,
  formatPercent,
  formatValue,
  formatWindow,
  isInterval,
} from "./quantity.ts";
import { candidateLabel } from "./text.ts";

export function inputDriftWords(detection: InputDriftDetection): MeasureWords {
  const { evidence } = detection;
  const moved = inputMove(detection);
  return {
    title: `inputs moved: ${moved}`,
    sentence: `the inputs moved: ${moved}`,
    size: inputSize(detection),
    meaning: null,
    cause:
      inputShiftLine(evidence.explanation?.mix ?? null) ??
      "What users send moved, not the prompt. This says nothing about quality yet.",
    step: "Check whether the eval set still covers the inputs",
    harm: null,
    over: "the inputs are as before",
    counted: "calls",
    isMeasuredAgain: false,
  };
}

/** `mentions_money 18% → 41% of calls`. */
function inputMove({ evidence, metric }: InputDriftDetection): string {
  switch (evidence.measure) {
    case "input_slice":
      return `${metric.label} ${formatPercent(evidence.before)} → ${formatPercent(evidence.after)} of calls`;
    case "input_topic":
      return `${metric.label} ${formatPercent(evidence.before)} → ${formatPercent(evidence.after)} of texts`;
    case "input_number":
      return numberMove(metric.label, evidence.sizes);
    case "input_text":
      return `${metric.label} can be told from those before (${formatValue(evidence.auc - 0.5, "auc")})`;
  }
}

function numberMove(
  label: string,
  sizes: { readonly mean_before: number; readonly mean_after: number } | null,
): string {
  return sizes === null
    ? label
    : `${label} ${formatMean(sizes.mean_before)} → ${formatMean(sizes.mean_after)} on average`;
}

function inputSize(detection: InputDriftDetection): string | null {
  const { evidence, candidate, window } = detection;
  const when = formatWindow(window, window.end);
  switch (evidence.measure) {
    case "input_text": {
      const [low, high] = evidence.auc_interval.map((end) => formatPercent(end));
      return (
        `A classifier tells a text of the window from one before it in ${formatPercent(evidence.auc)} of pairs ` +
        `(95% interval ${low} to ${high}; 50% is chance, up to ${formatPercent(0.5 + evidence.tau)} is usual), ` +
        `${formatCount(evidence.documents)} texts, ${when}.`
      );
    }
    case "input_slice":
    case "input_topic":
    case "input_number": {
      const size = psiText(detection);
      const rows = evidence.measure === "input_topic" ? "texts" : "calls";
      return size === null
        ? null
        : `${inputMove(detection)} (${size}), ${formatCount(candidate.calls)} ${rows}, ${when}.`;
    }
  }
}

/** The size on the scale that the test decides on, with what is usual. Null without an interval. */
function psiText({
  effect,
  interval,
  evidence,
  metric,
}: InputDriftDetection | OutputDriftDetection): string | null {
  if (!isInterval(interval)) return null;
  return `${formatValue(effect, metric.unit)}, 95% interval ${formatInterval(interval, metric.unit).slice(4)}; up to ${formatMean(evidence.tau)} is usual`;
}

export function outputDriftWords(detection: OutputDriftDetection): MeasureWords {
  const { evidence, candidate, window } = detection;
  const version = candidateLabel(detection);
  const moved = `${numberMove(detection.metric.label, evidence.sizes)}${placeOf(detection)}`;
  const size = psiText(detection);
  const without = evidence.at_deploy ? "" : " without a deploy";
  return {
    title: `answers of ${version} changed${without}: ${moved}`,
    sentence: `the answers of ${version} changed${without}: ${moved}`,
    size:
      size === null
        ? null
        : `${moved}${shareOf(detection)} (${size}), ${callsText(candidate.calls)}, ${formatWindow(window, window.end)}.`,
    meaning: null,
    cause: outputCause(detection),
    step: evidence.at_deploy
      ? "Read answers of both versions side by side"
      : "Read answers from before and after; look for a changed model",
    harm: null,
    over: "the answers are as before",
    counted: "calls",
    isMeasuredAgain: false,
  };
}

function placeOf({ evidence: { slice } }: OutputDriftDetection): string {
  return slice === null ? "" : ` in ${slice}`;
}

/** Share of the traffic in the slice. */
function shareOf({ evidence, slices }: OutputDriftDetection): string {
  const slice = slices.find(({ name }) => name === evidence.slice);
  return slice === undefined ? "" : `, ${formatPercent(slice.share_of_traffic)} of calls`;
}

function outputCause({ evidence }: OutputDriftDetection): string {
  const { at_deploy, response_models: models } = evidence;
  const nothing = "This says nothing about quality yet.";
  if (models?.has_changed === true) {
    const names = (shares: Readonly<Record<string, number>>): string =>
      Object.entries(shares)
        .toSorted(([, a], [, b]) => b - a)
        .map(([model, share]) => `${model} ${formatPercent(share)}`)
        .join(", ");
    return `The provider's model changed: ${names(models.after)} of the last day's calls, ${names(models.before)} of the day before. ${nothing}`;
  }
  return at_deploy
    ? `The answers changed with the version. ${nothing}`
    : `Nobody deployed: the version answers otherwise than it did. Look upstream: model, provider. ${nothing}`;
}
