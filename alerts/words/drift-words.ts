/** Inputs or answers that moved. Nothing here claims that quality fell. */
import type { InputDriftDetection, OutputDriftDetection } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import { inputShift, promptChange, sinceDeploy } from "./change-words.ts";
import {
  callsText,
  formatCount,
  formatInterval,
  formatMean,
  formatMoment,
  formatPercent,
  formatValue,
  isInterval,
} from "./quantity.ts";
import { changed, footnote, since, steps, whom, worse } from "./sentences.ts";
import { candidateLabel, requestsOf, requestsOfSlice, spaced } from "./text.ts";

export function inputDriftWords(detection: InputDriftDetection, zone: string): MeasureWords {
  const { evidence, window } = detection;
  const shift = inputShift(detection, evidence.explanation?.mix ?? null);
  return {
    headline: worse.inputsMoved(inputMove(detection)),
    whom: null,
    step: steps.checkCases,
    offersRollback: false,
    worse: [worse.nothingOfQuality],
    affected: null,
    since: since.window(formatMoment(window.start, zone), formatMoment(window.end, zone)),
    changed: shift.length > 0 ? shift : [changed.inputs],
    footnote: inputFootnote(detection),
    over: "users send what they sent before",
    counted: "calls",
    isMeasuredAgain: false,
  };
}

/** `requests that mention money went from 18% to 41% of the calls`. */
function inputMove(detection: InputDriftDetection): string {
  const { evidence, metric } = detection;
  switch (evidence.measure) {
    case "input_slice": {
      const requests = requestsOfSlice(detection, metric.label);
      return worse.moved(
        requests,
        formatPercent(evidence.before),
        `${formatPercent(evidence.after)} of the calls`,
      );
    }
    case "input_topic": {
      const requests = requestsOfSlice(detection, metric.label);
      return worse.moved(
        requests,
        formatPercent(evidence.before),
        `${formatPercent(evidence.after)} of the texts`,
      );
    }
    case "input_number":
      return numberMove(metric.label, evidence.sizes);
    case "input_text":
      return worse.textsMoved(requestsOf(detection));
  }
}

/** How labels of shares begin. */
const SHARE = "share of ";

function numberMove(
  label: string,
  sizes: { readonly mean_before: number; readonly mean_after: number } | null,
): string {
  if (sizes === null) return worse.movedUnmeasured(spaced(label));
  // The mean of a histogram's bins may lie a little beyond what a share can be.
  const shown = (mean: number): string =>
    label.startsWith(SHARE) ? formatPercent(Math.min(1, Math.max(0, mean))) : formatMean(mean);
  return worse.movedOnAverage(spaced(label), shown(sizes.mean_before), shown(sizes.mean_after));
}

function inputFootnote(detection: InputDriftDetection): readonly string[] {
  const { evidence, candidate } = detection;
  if (evidence.measure === "input_text") {
    const [low, high] = evidence.auc_interval.map((end) => formatPercent(end)) as [string, string];
    return [
      footnote.readApart(formatPercent(evidence.auc), low, high, formatPercent(0.5 + evidence.tau)),
      footnote.counted(`${formatCount(evidence.documents)} texts`),
    ];
  }
  const rows = evidence.measure === "input_topic" ? "texts" : "calls";
  return [...moveSize(detection), footnote.counted(`${formatCount(candidate.calls)} ${rows}`)];
}

/** The size on the scale that the test decides on, with what is usual. None without an interval. */
function moveSize({
  effect,
  interval,
  evidence,
  metric: { unit },
}: InputDriftDetection | OutputDriftDetection): readonly string[] {
  if (!isInterval(interval)) return [];
  const [low, high] = formatInterval(interval, unit).split(" to ") as [string, string];
  return [footnote.moveSize(formatValue(effect, unit), low, high, formatMean(evidence.tau))];
}

export function outputDriftWords(detection: OutputDriftDetection, zone: string): MeasureWords {
  const { evidence, candidate, window } = detection;
  const version = candidateLabel(detection);
  const moved = numberMove(detection.metric.label, evidence.sizes);
  const { slice } = evidence;
  return {
    headline: evidence.at_deploy
      ? worse.answersChanged(version, moved)
      : worse.answersChangedAlone(version, moved),
    whom: slice === null ? null : whom.inSlice(requestsOfSlice(detection, slice)),
    step: evidence.at_deploy ? steps.readAnswers : steps.readAnswersOverTime,
    offersRollback: false,
    worse: [worse.nothingOfQuality],
    affected: null,
    since: evidence.at_deploy ? sinceDeploy(detection, zone) : since.about(formatMoment(window.start, zone)),
    changed: outputCause(detection),
    footnote: [...moveSize(detection), footnote.counted(callsText(candidate.calls))],
    over: "the answers are as before",
    counted: "calls",
    isMeasuredAgain: false,
  };
}

function outputCause(detection: OutputDriftDetection): readonly string[] {
  const { at_deploy, response_models: models } = detection.evidence;
  if (models?.has_changed === true) {
    const names = (shares: Readonly<Record<string, number>>): string =>
      Object.entries(shares)
        .toSorted(([, a], [, b]) => b - a)
        .map(([model, share]) => `${model} (${formatPercent(share)})`)
        .join(", ");
    return [changed.models(names(models.after), names(models.before))];
  }
  if (!at_deploy) return [changed.nobodyDeployed];
  const change = promptChange(detection);
  return change.length > 0 ? change : [changed.withVersion];
}
