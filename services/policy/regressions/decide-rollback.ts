/**
 * Whether a regression takes its version back without a person. Pure: every replica and every restart decides the same.
 *
 * It takes a page about a guardrail, a judge that people's labels calibrate, a version that serves, and a version before it
 * that is good. What is not known stands in the way.
 */
import { counted } from "@plumbline/schemas";
import type { IncidentState } from "@plumbline/alerts";
import type { HistoryMark, JudgeCalibration, QualityDetection, RollbackIncident } from "@plumbline/schemas";
import type { EnvView } from "../registry/read-answer.ts";

export interface RollbackLimits {
  /** act: it takes back. dry_run: it says what it would take back. off: it does not look. */
  readonly rollbacks: "act" | "dry_run" | "off";
  /** Of one use case and env, within 24 hours. */
  readonly rollbacksPerDay: number;
}

export interface RollbackDecision {
  readonly kind: "roll_back" | "would_roll_back" | "hold";
  readonly why: string;
  readonly incident: RollbackIncident;
}

export interface RollbackQuestion {
  readonly incident: IncidentState<QualityDetection>;
  /** Of the detection's use case and env. */
  readonly view: EnvView;
  /** Who paused automation in the env. */
  readonly paused: HistoryMark | null;
  readonly limits: RollbackLimits;
  /** Rollbacks of this use case and env that no person asked for, within 24 hours. */
  readonly rollbacksToday: number;
}

/** @returns null for what is none of automation's business */
export function decideRollback(question: RollbackQuestion): RollbackDecision | null {
  const { incident, view, paused, limits } = question;
  const { detection } = incident;
  const { candidate, evidence, is_guardrail: isGuardrail } = detection;
  const isLive = view.live.some(({ prompt_version }) => prompt_version === candidate.prompt_version);
  const isPage = evidence.detector?.level === "page";
  // Who acknowledged, snoozed or dismissed it has taken it.
  if (incident.state !== "firing" || !isGuardrail || !isPage || !isLive || limits.rollbacks === "off")
    return null;
  const about = aboutOf(incident);
  const obstacle = obstacleOf(question);
  if (obstacle !== null) return { kind: "hold", why: obstacle, incident: about };
  if (paused !== null) {
    return {
      kind: "hold",
      why: `automation is paused by ${paused.actor} (${paused.reason}).`,
      incident: about,
    };
  }
  const kind = limits.rollbacks === "dry_run" ? "would_roll_back" : "roll_back";
  return { kind, why: reasonOf(about), incident: about };
}

/** What stands in the way, as a sentence; null when nothing does. */
function obstacleOf({ incident, view, limits, rollbacksToday }: RollbackQuestion): string | null {
  const { detection, opened_at } = incident;
  const { judge_calibration: calibration, cause, detector } = detection.evidence;
  if (calibration?.state !== "calibrated") {
    return `people's labels do not calibrate the judge yet${whyUncalibrated(calibration)}.`;
  }
  if (calibration.corrected !== null && calibration.corrected.interval[1] >= 0)
    return "on the scale of people's labels the fall may be none.";
  if (cause?.kind === "provider_change")
    return "the provider changed the model, and the version before would be answered by the same one.";
  if (detector?.kind === "streams" && detector.paired_silent)
    return "the version before, called in the same hours, fell as well.";
  if (detector?.kind === "streams" && detector.origin === "later" && cause?.kind !== "own_change")
    return "the fall began long after the version went live, and nothing says that the version did it.";
  if (view.moved !== null && Date.parse(view.moved.at) > Date.parse(opened_at))
    return `${view.moved.actor} changed what is live after the incident began.`;
  if (view.previous_good === null) return "no good version served before it.";
  if (rollbacksToday >= limits.rollbacksPerDay)
    return `${counted(rollbacksToday, "version")} ${rollbacksToday === 1 ? "was taken back by itself" : "were taken back by themselves"} within a day, and ${limits.rollbacksPerDay} may be.`;
  return null;
}

/** What is missing of a calibration, to go on a sentence. */
function whyUncalibrated(calibration: JudgeCalibration | null): string {
  if (calibration === null) return "";
  const { reasons, labels, labels_min } = calibration;
  const words = reasons.map((reason) =>
    reason === "too_few_labels"
      ? `${labels} of ${labels_min} labels`
      : (UNCALIBRATED.get(reason) ?? reason.replaceAll("_", " ")),
  );
  return words.length === 0 ? "" : `: ${words.join(", ")}`;
}

/** Reasons of `packages/stats/judge/judge-calibration.ts`. */
const UNCALIBRATED: ReadonlyMap<string, string> = new Map([
  ["too_few_human_passes", "too few answers that people call good"],
  ["too_few_human_fails", "too few answers that people call bad"],
  ["judge_uninformative", "the judge hardly tells them apart"],
  ["judge_changed", "the labels are another judge's"],
  ["labels_stale", "the labels are old"],
]);

function aboutOf({ incident_id, detection }: IncidentState<QualityDetection>): RollbackIncident {
  const { metric, effect, interval, judge, evidence } = detection;
  const labels = evidence.judge_calibration?.labels ?? 0;
  return { incident_id, criterion: metric.name, effect, interval: [interval[0], interval[1]], judge, labels };
}

function reasonOf({ incident_id, criterion, effect, interval: [lower, upper] }: RollbackIncident): string {
  const points = (value: number): string => (100 * value).toFixed(1);
  return `${incident_id}: ${criterion} changed by ${points(effect)} points (interval ${points(lower)} to ${points(upper)}).`;
}
