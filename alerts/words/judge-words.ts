/** Words of the judge: its name, its agreement with people, and its drift. */
import type { Detection, DetectionOf } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import { changeSize } from "./change-words.ts";
import { formatCount, formatSize, formatValue } from "./quantity.ts";

export function judgeWords(detection: DetectionOf<"judge_drift">): MeasureWords {
  const { metric, candidate, incumbent, effect } = detection;
  const size = formatSize(effect, metric.unit);
  const values =
    incumbent === null
      ? formatValue(candidate.mean, metric.unit)
      : `${formatValue(incumbent.mean, metric.unit)} → ${formatValue(candidate.mean, metric.unit)}`;
  return {
    title: `the judge changed: ${metric.label} down ${size}`,
    sentence: `the judge changed: ${metric.label} fell ${size} (${values})`,
    size: changeSize(
      detection,
      candidate.units > 0 ? `${formatCount(candidate.units)} frozen answers judged again` : null,
    ),
    meaning: "Quality alarms of this use case are held back until the judge is trusted again.",
    cause: "The judge moved on answers that did not change. Its scores before and after do not compare.",
    step: "Recalibrate the judge before trusting its scores",
    harm: null,
    over: "the judge agrees with its frozen verdicts again",
    counted: "judged",
    isMeasuredAgain: true,
  };
}

/** The judge's name, its agreement with people, and the change on their scale where labels allow it. */
export function judgeNotes(detection: Detection): string[] {
  if (detection.judge === null) return [];
  const judge = `judge ${judgeName(detection.judge)}`;
  const calibration = detection.kind === "quality" ? detection.evidence.judge_calibration : null;
  if (calibration === null) return [judge];
  const { state, labels, labels_min, kappa, corrected, reasons } = calibration;
  if (state === "uncalibrated") {
    const why =
      labels < labels_min
        ? `${labels} of ${labels_min} labels`
        : (reasons[0] ?? "no labels").replaceAll("_", " ");
    return [`${judge} (uncalibrated: ${why})`];
  }
  const agreement = kappa === null ? "calibrated" : `κ ${kappa.toFixed(2)} vs humans`;
  const points = (value: number): string => (100 * value).toFixed(1);
  return [
    `${judge} (${agreement}, n = ${formatCount(labels)})`,
    ...(corrected === null
      ? []
      : [
          `corrected for the judge's errors ${points(corrected.effect)} points ` +
            `[${points(corrected.interval[0])}, ${points(corrected.interval[1])}], if it errs alike on both versions`,
        ]),
  ];
}

/** Scores made without a language model say so wherever they appear. */
function judgeName(judge: string): string {
  return /^lexical/i.test(judge) ? `${judge} (lexical, no LLM)` : judge;
}
