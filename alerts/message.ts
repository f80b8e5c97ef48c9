/**
 * What people read about an incident. Pure and deterministic: the same state gives the same text in every
 * process. A number appears with its interval and n, or its line is left out.
 *
 * `IncidentMessage` is the notifier port's `Message`, spelled here because alerts know nothing of ports.
 */
import type { Detection } from "@plumbline/schemas";
import {
  isOpen,
  isRollback,
  RECOVERY_UNITS_MIN,
  type IncidentState,
  type IncidentStateName,
} from "./lifecycle.ts";
import { messageEvidence } from "./message-evidence.ts";
import {
  byExplanation,
  causeLine,
  concentrationLine,
  inputShiftLine,
  normalLine,
  sizeLine,
  sliceLines,
} from "./message-lines.ts";
import {
  formatCount,
  formatSize,
  formatTime,
  formatValue,
  formatWindow,
  formatInterval,
  unitOf,
} from "./quantity.ts";
import { RUNBOOKS } from "./runbook.ts";
import type { Severity } from "./severity.ts";

export interface IncidentMessage {
  readonly incident_id: string;
  readonly revision: number;
  readonly state: IncidentStateName;
  readonly severity: Severity;
  readonly preview: string;
  readonly title: string;
  readonly lines: readonly string[];
  readonly fields: readonly { readonly label: string; readonly value: string }[];
  readonly context: readonly string[];
  readonly links: readonly { readonly label: string; readonly url: string }[];
}

/** Where links in messages lead; null leaves the link out. */
export interface MessageLinks {
  /** Folder of the runbooks, without a slash at the end: `<url>/<name>.md`. */
  readonly runbooks_url: string | null;
  /** Root of the page for on-call, without a slash at the end. */
  readonly console_url: string | null;
}

export const PREVIEW_LENGTH_MAX = 250;
export const TITLE_LENGTH_MAX = 150;

/** What a detection of each kind asks people to do. */
const ACTIONS: Readonly<Record<Detection["kind"], string>> = {
  quality: "Roll back, or acknowledge",
  input_drift: "Check whether the eval set still covers the inputs",
  output_drift: "Read answers of both versions side by side",
  latency: "Check the provider, then the prompt's length",
  cost: "Check token counts and the cached share",
  success: "Check the provider, then roll back",
  path_mix: "Check the primary model; users get degraded answers",
  coverage: "Restore judging; quality is unknown until then",
  judge_drift: "Recalibrate the judge before trusting its scores",
};

/**
 * The message of an incident in its present state.
 *
 * After an incident fires again in a new episode its message id is `<incident_id>-<episode>`, because it must
 * become a new message and not an edit of one that people closed days ago.
 */
export function renderMessage(state: IncidentState, links: MessageLinks): IncidentMessage {
  return {
    incident_id: state.episode === 1 ? state.incident_id : `${state.incident_id}-${state.episode}`,
    revision: state.revision,
    state: state.state,
    severity: state.severity,
    preview: preview(state),
    title: clip(title(state), TITLE_LENGTH_MAX),
    lines: lines(state),
    fields: fields(state),
    context: context(state),
    links: linkList(state, links),
  };
}

/** Short form of a content hash: its first 12 hex digits. */
export function shortVersion(promptVersion: string): string {
  const hex = /^sha256:([0-9a-f]{12})/.exec(promptVersion)?.[1];
  return hex ?? clip(promptVersion === "" ? "untagged" : promptVersion, 20);
}

/** The lines of history newer than what a channel shows: the reply that goes with an edit. "" when none. */
export function replySince(state: IncidentState, revision: number): string {
  return state.history
    .filter((line) => line.revision > revision)
    .map((line) => `${formatTime(line.at, state.opened_at)} · ${readable(state, line.text)}`)
    .join("\n");
}

function preview(state: IncidentState): string {
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

function previewSentence(state: IncidentState): string {
  const { detection } = state;
  const unit = unitOf(detection);
  const name = `${detection.use_case}: ${detection.metric}`;
  const { candidate, incumbent } = detection;
  if (state.recovery !== null && state.state === "resolved") {
    return `${name} is ${formatValue(state.recovery.current.mean, unit)} on ${recoveredLabel(state)}, ${readable(state, state.recovery.how)}.`;
  }
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

function firstStep(detection: Detection): string {
  const { kind, incumbent } = detection;
  if (kind !== "quality" || incumbent === null) return ACTIONS[kind];
  if (inputShiftLine(detection) !== null) return "Look at what users send, or acknowledge";
  const { cause, detector } = messageEvidence(detection);
  if (detector?.paired_silent === true) return "Look upstream, or acknowledge";
  // A rollback is no answer to a change that wasn't a deploy, least of all to the version that serves already.
  if (cause !== undefined && cause.kind !== "own_change") return "Look upstream, or acknowledge";
  return `Roll back to ${incumbentLabel(detection)}, or acknowledge`;
}

function nextStep(state: IncidentState): string {
  switch (state.state) {
    case "firing":
      return firstStep(state.detection);
    case "acknowledged":
      return `${state.state_changed_by} is on it`;
    case "snoozed":
      return `Quiet until ${formatTime(state.snoozed_until ?? state.updated_at, state.updated_at)}`;
    case "watching":
      return state.rolled_back === null
        ? "Watching whether it recovers"
        : `${sentence(wayOut(state))}, watching`;
    case "resolved":
      return "Nothing to do";
    case "dismissed":
      return `Not a regression, says ${state.state_changed_by}`;
  }
}

function title(state: IncidentState): string {
  const { detection } = state;
  const unit = unitOf(detection);
  const name = `${detection.use_case}: ${detection.metric}`;
  if (state.recovery !== null && state.state === "resolved") {
    return `${name} back to ${formatValue(state.recovery.current.mean, unit)} on ${recoveredLabel(state)}`;
  }
  if (detection.incumbent === null) {
    return `${name} at ${formatValue(detection.candidate.mean, unit)} on ${candidateLabel(detection)}`;
  }
  const isDrift = detection.kind === "input_drift" || detection.kind === "output_drift";
  const direction = detection.effect < 0 ? "down" : "up";
  return `${name} ${isDrift ? "moved" : direction} ${formatSize(detection.effect, unit)} on ${candidateLabel(detection)}`;
}

function lines(state: IncidentState): string[] {
  const { detection } = state;
  const recovery = recoveryLine(state);
  const size = sizeLine(detection);
  if (!isOpen(state)) return [recovery, dismissedLine(state), size].filter(isText);
  return [
    recovery,
    size,
    concentrationLine(detection),
    causeLine(detection, candidateLabel(detection)),
    normalLine(detection),
    ...sliceLines(detection),
  ].filter(isText);
}

function recoveryLine(state: IncidentState): string | null {
  const how = wayOut(state);
  if (state.recovery === null) return state.state === "watching" ? `${sentence(how)}, watching.` : null;
  const { current } = state.recovery;
  const { detection } = state;
  const unit = unitOf(detection);
  const isJudged = detection.kind === "quality" || detection.kind === "judge_drift";
  const n = isJudged ? current.units : current.calls;
  const counted = isJudged ? "judged" : "calls";
  const measured =
    n === 0
      ? null
      : `${formatValue(current.mean, unit)} (interval ${formatInterval(current.interval, unit)}, n = ${formatCount(n)} ${counted})`;
  if (state.state === "watching") {
    const progress = isJudged
      ? `${formatCount(n)} of ${RECOVERY_UNITS_MIN} judged conversations so far`
      : `${formatCount(n)} calls so far`;
    return `${sentence(how)}, watching: ${progress}${measured === null ? "" : `, at ${measured}`}.`;
  }
  return `${sentence(how)}${measured === null ? "" : `: ${measured} on ${recoveredLabel(state)}`}.`;
}

/** How it ended or is to end; a rollback with who did it and when. "" while nobody knows. */
function wayOut(state: IncidentState): string {
  const { rolled_back, recovery } = state;
  const how = recovery?.how ?? "";
  if (rolled_back === null || !(how === "" || isRollback(how))) return readable(state, how);
  const { to_number, actor, at } = rolled_back;
  return `rolled back to v${to_number} by ${actor} at ${formatTime(at, state.opened_at)}`;
}

function dismissedLine(state: IncidentState): string | null {
  if (state.state !== "dismissed") return null;
  return `Not a regression, says ${state.state_changed_by}: ${state.dismissed_why ?? ""}. Recorded as a false alarm.`;
}

function fields(state: IncidentState): IncidentMessage["fields"] {
  const { detection } = state;
  const { owner } = messageEvidence(detection);
  const versions =
    detection.incumbent === null
      ? candidateLabel(detection)
      : `${named(detection, "candidate")} vs ${named(detection, "incumbent")}`;
  const all = [
    { label: "Severity", value: `${state.severity} · ${nextStep(state)}` },
    { label: isOpen(state) ? "Blast radius" : "Impact", value: blastRadius(detection) },
    {
      label: "Environment",
      value: detection.tenant === "" ? detection.env : `${detection.env} · ${detection.tenant}`,
    },
    { label: "Owner", value: owner ?? null },
    { label: "Versions", value: versions },
    { label: "State", value: stateSentence(state) },
  ];
  return all.flatMap(({ label, value }) => (value === null ? [] : [{ label, value }]));
}

/** Calls times effect: an estimate with the effect's own interval. Only a fallen share of good answers has one. */
function blastRadius(detection: Detection): string | null {
  if (detection.kind !== "quality" || detection.effect >= 0) return null;
  const { calls } = detection.candidate;
  if (calls === 0) return null;
  const [low, high] = detection.interval;
  const degraded = (effect: number): string => formatCount(Math.max(0, -effect * calls));
  return `≈ ${degraded(detection.effect)} degraded answers (${degraded(high)} to ${degraded(low)}) of ${formatCount(calls)}`;
}

function stateSentence(state: IncidentState): string {
  const since = formatTime(state.state_changed_at, state.updated_at);
  const by = state.state_changed_by;
  switch (state.state) {
    case "firing":
      return `Firing since ${since}`;
    case "acknowledged":
      return `Acknowledged by ${by}, ${since}`;
    case "snoozed":
      return `Snoozed by ${by} until ${formatTime(state.snoozed_until ?? since, state.updated_at)}`;
    case "watching":
      return `Watching since ${since}`;
    case "resolved":
      return `Resolved ${since}: ${readable(state, state.recovery?.how ?? "recovered")}`;
    case "dismissed":
      return `Dismissed by ${by}, ${since}`;
  }
}

function context(state: IncidentState): string[] {
  const { detection } = state;
  return [
    state.incident_id,
    `decided by ${detection.method}`,
    ...judgeNotes(detection),
    `window ${formatWindow(detection.window, state.updated_at)}`,
    `updated ${formatTime(state.updated_at, "")}`,
  ];
}

function linkList(
  state: IncidentState,
  { runbooks_url, console_url }: MessageLinks,
): IncidentMessage["links"] {
  const { use_case, env, kind } = state.detection;
  return [
    ...(console_url === null
      ? []
      : [
          {
            label: "Open incident",
            url: `${console_url}/u/${encodeURIComponent(use_case)}?env=${encodeURIComponent(env)}&incident=${state.incident_id}`,
          },
        ]),
    ...(runbooks_url === null ? [] : [{ label: "Runbook", url: `${runbooks_url}/${RUNBOOKS[kind]}.md` }]),
  ];
}

/** Who judged, how that judge agrees with people, and the change on their scale where labels allow it. */
function judgeNotes(detection: Detection): string[] {
  if (detection.judge === null) return [];
  const judge = `judge ${judgeName(detection.judge)}`;
  const calibration = messageEvidence(detection).judge_calibration;
  if (calibration === undefined) return [judge];
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
export function judgeName(judge: string): string {
  return /^lexical/i.test(judge) ? `${judge} (lexical, no LLM)` : judge;
}

function candidateLabel(detection: Detection): string {
  return messageEvidence(detection).candidate_label ?? shortVersion(detection.candidate.prompt_version);
}

function incumbentLabel(detection: Detection): string {
  const { incumbent } = detection;
  if (incumbent === null) return "the version before";
  return messageEvidence(detection).incumbent_label ?? shortVersion(incumbent.prompt_version);
}

function named(detection: Detection, side: "candidate" | "incumbent"): string {
  const label = side === "candidate" ? candidateLabel(detection) : incumbentLabel(detection);
  const short = shortVersion(detection[side]?.prompt_version ?? "");
  return label === short ? short : `${label} ${short}`;
}

/** A text with whole content hashes replaced by what people call the versions. */
function readable(state: IncidentState, text: string): string {
  return text.replace(/sha256:[0-9a-f]{64}/g, (version) => versionLabel(state, version));
}

function recoveredLabel(state: IncidentState): string {
  return versionLabel(state, state.recovery?.current.prompt_version ?? "");
}

function versionLabel(state: IncidentState, version: string): string {
  const { candidate, incumbent } = state.detection;
  if (version === candidate.prompt_version) return candidateLabel(state.detection);
  if (version === incumbent?.prompt_version) return incumbentLabel(state.detection);
  return shortVersion(version);
}

function verb(detection: Detection): string {
  if (detection.kind === "input_drift" || detection.kind === "output_drift") return "moved by";
  return detection.effect < 0 ? "fell" : "rose";
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function isText(line: string | null): line is string {
  return line !== null && line !== "";
}

/** Cut to `length` characters, with an ellipsis where something is missing. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}
