/** Judged quality that fell. */
import type { Detection, QualityDetection } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import {
  changeSentence,
  changeSize,
  changeTitle,
  deployText,
  isOldVersion,
  inputShiftLine,
} from "./change-words.ts";
import { callsText, formatCount, formatPercent, formatTime } from "./quantity.ts";
import { candidateLabel, incumbentLabel, versionLabel } from "./text.ts";

const NOT_THE_DEPLOY = "Coincides with the deploy, not caused by it";

export function qualityWords(detection: QualityDetection): MeasureWords {
  return {
    title: changeTitle(detection),
    sentence: changeSentence(detection),
    size: sizeOf(detection),
    meaning: null,
    cause: causeOf(detection),
    step: stepOf(detection),
    harm: harmOf(detection),
    over: "recovered without a change of version",
    counted: "judged",
    isMeasuredAgain: true,
  };
}

function sizeOf(detection: QualityDetection): string | null {
  const { candidate, evidence, judge } = detection;
  const calls = callsText(candidate.calls);
  const counted =
    evidence.detector?.kind === "same_input_pairs"
      ? `${formatCount(evidence.detector.pairs)} inputs judged under both versions, of ${calls}`
      : `${formatCount(candidate.units)} judged of ${calls}`;
  const size = changeSize(detection, candidate.units > 0 ? counted : null);
  const isLexical = /^lexical/i.test(judge ?? "") && detection.incumbent !== null;
  return size !== null && isLexical ? size.replace(/\.$/, "; scores are lexical, no LLM.") : size;
}

/** isOldVersionFalling returns true when the old version, called beside the new one, fell as well. */
function isOldVersionFalling({ evidence: { detector } }: QualityDetection): boolean {
  return detector?.kind === "streams" && detector.paired_silent;
}

function shiftOf({ evidence }: QualityDetection): string | null {
  return inputShiftLine(evidence.explanation?.mix ?? null);
}

/** Other inputs as the cause, else the deploy, else what is upstream of it. */
function causeOf(detection: QualityDetection): string | null {
  const isSilent = isOldVersionFalling(detection);
  // A version beside another one gets the same inputs, so pairs may have told as much.
  const shift = shiftOf(detection);
  if (shift !== null) return isSilent ? `${NOT_THE_DEPLOY}. ${shift}` : shift;
  const { version_started_at, window, evidence } = detection;
  if (version_started_at === null) return null;
  const version = candidateLabel(detection);
  if (isSilent) {
    return `${NOT_THE_DEPLOY}: the old version, called beside ${version}, fell as well. Look upstream: model, provider, inputs.`;
  }
  const { cause } = evidence;
  if (cause !== null && cause.kind !== "own_change") {
    const at = formatTime(cause.changed_at, window.end);
    const models = `${cause.models_since.join(", ")} instead of ${cause.models_before.join(", ")}`;
    return cause.kind === "provider_change"
      ? `No deploy then, but the provider's model changed: ${models}, since about ${at}.`
      : `No deploy then: ${version} fell about ${at}. Look upstream: model, provider, inputs.`;
  }
  // A small drop of a quiet use case is found days after the deploy that carries it.
  if (cause === null && isOldVersion(detection)) {
    return `No deploy in the last 24 h: ${version} is live since ${formatTime(version_started_at, window.end)}. Look upstream: model, provider, inputs.`;
  }
  return deployText(detection, version);
}

function stepOf(detection: QualityDetection): string {
  const { incumbent, evidence } = detection;
  if (incumbent === null) return "Roll back, or acknowledge";
  if (shiftOf(detection) !== null) return "Look at what users send, or acknowledge";
  // A rollback is no answer to a change that wasn't a deploy, least of all to the version that serves already.
  const isElsewhere = evidence.cause !== null && evidence.cause.kind !== "own_change";
  if (isOldVersionFalling(detection) || isElsewhere) return "Look upstream, or acknowledge";
  return `Roll back to ${incumbentLabel(detection)}, or acknowledge`;
}

/** Calls times effect: an estimate with the effect's own interval. */
function harmOf({ effect, interval, candidate, evidence: { impact } }: QualityDetection): string | null {
  const { calls } = candidate;
  if (effect >= 0 || calls === 0) return null;
  const degraded = (each: number): string => formatCount(Math.max(0, -each * calls));
  const day =
    impact === null || impact.day_calls === 0
      ? ""
      : `; about ${formatPercent(impact.degraded_calls / impact.day_calls)} of the day's ${formatCount(impact.day_calls)}`;
  return `≈ ${degraded(effect)} degraded answers (${degraded(interval[1])} to ${degraded(interval[0])}) of ${formatCount(calls)}${day}`;
}

/**
 * Both versions in the same hours, while they served side by side. Null without pairs.
 *
 * The pairs have an e-value and no interval. Under "not worse than the version beside it" an e-value of 1/(1 − level) or
 * more has a chance of at most 1 − level, at whatever time one looks; one below 1 speaks against a fall.
 */
export function sideBySideLine(detection: Detection): string | null {
  if (detection.kind !== "quality") return null;
  const { detector } = detection.evidence;
  const paired = detector?.kind === "streams" ? detector.paired : null;
  if (paired === null || paired.pairs === 0) return null;
  const { pairs, difference, log_deploy_e } = paired;
  const where = `in ${formatCount(pairs)} pair${pairs === 1 ? "" : "s"} of conversations from the same hours`;
  const head = `Side by side with ${versionLabel(detection, paired.incumbent)}:`;
  const points = Math.abs(100 * difference).toFixed(1);
  if (points === "0.0") return `${head} no difference ${where}.`;
  if (difference < 0) return `${head} ${points} points better ${where}.`;
  return `${head} ${points} points worse ${where}${chanceText(log_deploy_e, detection.level)}.`;
}

function chanceText(logE: number | null, level: number): string {
  if (logE === null) return "";
  if (logE >= -Math.log(1 - level)) return ", more than chance explains";
  return logE < 0 ? ", which chance may explain" : "";
}
