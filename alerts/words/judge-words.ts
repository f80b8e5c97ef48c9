/** Words of the judge: its agreement with people, and its drift. */
import type { Detection, DetectionOf } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import { changeCertainty, changeHeadline } from "./change-words.ts";
import { formatMoment } from "./moment.ts";
import { formatCount, formatValue } from "./quantity.ts";
import { changed, footnote, since, steps, worse } from "./sentences.ts";
import { spaced } from "./text.ts";

export function judgeWords(detection: DetectionOf<"judge_drift">, zone: string): MeasureWords {
  const { metric, candidate, incumbent, window } = detection;
  const now = formatValue(candidate.mean, metric.unit);
  return {
    headline:
      incumbent === null
        ? changeHeadline(detection)
        : worse.judgeChanged(now, formatValue(incumbent.mean, metric.unit)),
    whom: null,
    step: steps.recalibrate,
    offersRollback: false,
    worse: [worse.alarmsHeld],
    affected: null,
    since: since.window(formatMoment(window.start, zone), formatMoment(window.end, zone)),
    changed: [changed.judgeAlone],
    footnote: [
      ...changeCertainty(detection),
      ...(candidate.units > 0 ? [footnote.repeated(formatCount(candidate.units))] : []),
      ...judgeNotes(detection),
    ],
    over: "the judge agrees with its earlier verdicts again",
    counted: "judged",
    isMeasuredAgain: true,
  };
}

/** What the judge is worth: how it agrees with people, and the change on their scale where labels allow it. */
export function judgeNotes(detection: Detection): readonly string[] {
  if (detection.judge === null) return [];
  // Scores made without a language model say so wherever they appear.
  const lexical = /^lexical/i.test(detection.judge) ? [footnote.wordChecks] : [];
  const calibration = detection.kind === "quality" ? detection.evidence.judge_calibration : null;
  if (calibration === null) return lexical;
  const { state, labels, labels_min, kappa, corrected, reasons } = calibration;
  if (state === "uncalibrated") {
    const few = labels < labels_min || reasons[0] === undefined;
    return [
      ...lexical,
      few
        ? footnote.neverCompared(formatCount(labels), formatCount(labels_min))
        : footnote.notCalibrated(spaced(reasons[0]!)),
    ];
  }
  const points = (value: number): string => (100 * value).toFixed(1).replace("-", "−");
  return [
    ...lexical,
    kappa === null
      ? footnote.calibrated(formatCount(labels))
      : footnote.agreement(kappa.toFixed(2), formatCount(labels)),
    ...(corrected === null
      ? []
      : [
          footnote.corrected(
            points(corrected.effect),
            points(corrected.interval[0]),
            points(corrected.interval[1]),
          ),
        ]),
  ];
}
