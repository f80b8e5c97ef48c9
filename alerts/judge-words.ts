/** A judge that no longer agrees with its own frozen verdicts. */
import type { DetectionOf } from "@plumbline/schemas";
import { changeSize } from "./change-words.ts";
import type { MeasureWords } from "./words.ts";
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
