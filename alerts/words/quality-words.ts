/** Words of judged quality that fell, and of the judge: its agreement with people, and its drift. */
import type { Detection, DetectionOf, QualityDetection } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import {
  changeCertainty,
  changeHeadline,
  changeSize,
  inputShift,
  promptChange,
  sinceDeploy,
} from "./change-words.ts";
import { formatAbout, formatCount, formatMoment, formatPercent, formatValue } from "./quantity.ts";
import { affected, changed, footnote, since, steps, worse } from "./sentences.ts";
import { affectedRequests, whomOf } from "./slice-words.ts";
import { candidateLabel, incumbentLabel, sentenceCase, spaced, versionLabel } from "./text.ts";

export function qualityWords(detection: QualityDetection, zone: string): MeasureWords {
  const { candidate } = detection;
  const step = stepOf(detection);
  return {
    headline: changeHeadline(detection),
    whom: whomOf(detection),
    step,
    offersRollback: step.startsWith(steps.rollBack("")),
    worse: candidate.units > 0 ? [...changeSize(detection), ...pairsOf(detection)] : [],
    affected: affectedOf(detection),
    since: sinceOf(detection, zone),
    changed: [...causeOf(detection), ...sideBySide(detection)],
    footnote: candidate.units > 0 ? footnoteOf(detection) : judgeNotes(detection),
    over: "recovered without a change of version",
    counted: "judged",
    isMeasuredAgain: true,
  };
}

function pairsOf(detection: QualityDetection): readonly string[] {
  const { detector } = detection.evidence;
  if (detector?.kind !== "same_input_pairs") return [];
  return [worse.pairs(formatCount(detector.pairs), candidateLabel(detection), incumbentLabel(detection))];
}

function footnoteOf(detection: QualityDetection): readonly string[] {
  const { candidate, judge } = detection;
  const units = formatCount(candidate.units);
  const judged = candidate.calls >= candidate.units ? `${units} of ${formatCount(candidate.calls)}` : units;
  return [
    ...changeCertainty(detection),
    ...(judge === null ? [] : [footnote.judged(judged, judge)]),
    ...judgeNotes(detection),
  ];
}

/** isOldVersionFalling returns true when the old version, called beside the new one, fell as well. */
function isOldVersionFalling({ evidence: { detector } }: QualityDetection): boolean {
  return detector?.kind === "streams" && detector.paired_silent;
}

/** isElsewhere returns true for a change that was no deploy. */
function isElsewhere({ evidence: { cause } }: QualityDetection): boolean {
  return cause !== null && cause.kind !== "own_change";
}

function shiftOf(detection: QualityDetection): readonly string[] {
  return inputShift(detection, detection.evidence.explanation?.mix ?? null);
}

/** In event time: the deploy where it carries the alarm, else when the change began. */
function sinceOf(detection: QualityDetection, zone: string): string | null {
  const { cause } = detection.evidence;
  if (cause !== null && isElsewhere(detection)) return since.later(formatMoment(cause.changed_at, zone));
  return sinceDeploy(detection, zone);
}

/** Other inputs as the cause, else the deploy, else what is upstream of it. */
function causeOf(detection: QualityDetection): readonly string[] {
  const isSilent = isOldVersionFalling(detection);
  // A version beside another one gets the same inputs, so pairs may have told as much.
  const shift = shiftOf(detection);
  if (shift.length > 0) return isSilent ? [changed.coincides, ...shift] : shift;
  if (isSilent) return [changed.bothFell(sentenceCase(incumbentLabel(detection)))];
  const { cause } = detection.evidence;
  if (cause !== null && isElsewhere(detection)) {
    return cause.kind === "provider_change"
      ? [
          changed.samePrompt,
          changed.providerModel(cause.models_since.join(", "), cause.models_before.join(", ")),
        ]
      : [cause.models_before.length === 0 ? changed.samePrompt : changed.sameModel, changed.nobodyDeployed];
  }
  return promptChange(detection);
}

function stepOf(detection: QualityDetection): string {
  if (shiftOf(detection).length > 0) return steps.lookAtInputs;
  // A rollback is no answer to a change that wasn't a deploy, least of all to the version that serves already.
  if (isOldVersionFalling(detection) || isElsewhere(detection)) return steps.lookUpstream;
  return steps.rollBack(incumbentLabel(detection));
}

/** Calls times effect: an estimate with the effect's own interval. */
function affectedOf(detection: QualityDetection): string | null {
  const { effect, interval, candidate, evidence } = detection;
  const { impact, people } = evidence;
  const { calls } = candidate;
  if (effect >= 0 || calls === 0) return null;
  const hit = (each: number): string => formatAbout(-each * calls);
  const day =
    impact === null || impact.day_calls === 0
      ? []
      : [
          affected.ofTheDay(
            formatPercent(impact.degraded_calls / impact.day_calls),
            formatCount(impact.day_calls),
          ),
        ];
  return [
    affected.answers(hit(effect), hit(interval[1]), hit(interval[0]), formatCount(calls)),
    ...day,
    ...(people === undefined ? [] : [affected.people(formatCount(people), affectedRequests(detection))]),
  ].join(" ");
}

/**
 * Both versions in the same hours, while they served side by side. None without pairs.
 *
 * The pairs have an e-value and no interval. Under "not worse than the version beside it" an e-value of 1/(1 − level) or
 * more has a chance of at most 1 − level, at whatever time one looks; one below 1 speaks against a fall.
 */
function sideBySide(detection: QualityDetection): readonly string[] {
  const { detector } = detection.evidence;
  const paired = detector?.kind === "streams" ? detector.paired : null;
  if (paired === null || paired.pairs === 0) return [];
  const { difference, log_deploy_e } = paired;
  const before = versionLabel(detection, paired.incumbent);
  const points = Math.abs(100 * difference).toFixed(1);
  if (points === "0.0") return [changed.sideBySide(before, changed.same, "")];
  if (difference < 0) return [changed.sideBySide(before, changed.better(points), "")];
  return [changed.sideBySide(before, changed.worseBy(points), chanceText(log_deploy_e, detection.level))];
}

function chanceText(logE: number | null, level: number): string {
  if (logE === null) return "";
  if (logE >= -Math.log(1 - level)) return changed.beyondChance;
  return logE < 0 ? changed.maybeChance : "";
}

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
function judgeNotes(detection: Detection): readonly string[] {
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
