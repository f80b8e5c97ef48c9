/**
 * The message of an incident. Pure and deterministic: the same state gives the same text in every
 * process. A number appears with its interval and n, or its line is left out; pairs of two versions that serve side by side
 * have an e-value in place of the interval.
 */
import type { Message } from "@plumbline/ports";
import type { Detection } from "@plumbline/schemas";
import { judgeNotes } from "../words/judge-words.ts";
import { isOpen, type IncidentState, policyText } from "../incident/lifecycle.ts";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import { formatCount, formatInterval, formatTime, formatValue, formatWindow } from "../words/quantity.ts";
import { dismissedLine, recoveryLine, nextStep } from "./progress-lines.ts";
import { sideBySideLine } from "../words/quality-words.ts";
import { alsoAffectedLine, concentrationLine, byExplanation } from "./slice-lines.ts";
import { isText, versionsText, clip, versionLabel } from "../words/text.ts";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export { clip, shortVersion } from "../words/text.ts";

export const PREVIEW_LENGTH_MAX = 250;
export const TITLE_LENGTH_MAX = 150;

/** The runbook of each kind of detection: `alerts/runbooks/<name>.md`. */
export const RUNBOOKS = {
  quality: "quality-regression",
  input_drift: "input-drift",
  output_drift: "output-drift",
  latency: "latency",
  cost: "cost",
  success: "success-rate",
  path_mix: "path-mix",
  coverage: "coverage",
  judge_drift: "judge-drift",
} as const satisfies Record<Detection["kind"], string>;

/** Targets of the links in messages; null leaves the link out. */
export interface MessageLinks {
  /** Folder of the runbooks, without a slash at the end: `<url>/<name>.md`. */
  readonly runbooks_url: string | null;
  /** Root of the page for on-call, without a slash at the end. */
  readonly console_url: string | null;
}

/**
 * The message of an incident in its present state.
 *
 * After an incident fires again in a new episode its message id is `<incident_id>-<episode>`, because it must
 * become a new message and not an edit of one that people closed days ago.
 */
export function renderMessage(state: IncidentState, links: MessageLinks): Message {
  return {
    incident_id: state.episode === 1 ? state.incident_id : `${state.incident_id}-${state.episode}`,
    tenant: state.detection.tenant,
    revision: state.revision,
    state: state.state,
    severity: state.severity,
    preview: preview(state),
    title: title(state),
    lines: lines(state),
    fields: fields(state),
    context: context(state),
    links: linkList(state, links),
  };
}

/** The lines of history newer than what a channel shows: the reply that goes with an edit. "" when none. */
export function replySince(state: IncidentState, revision: number): string {
  return state.history
    .filter((line) => line.revision > revision)
    .map((line) => `${formatTime(line.at, state.opened_at)} · ${line.text}`)
    .join("\n");
}

function lines(state: IncidentState): string[] {
  const { detection } = state;
  const recovery = recoveryLine(state);
  const { size, meaning, cause } = measureWords(detection);
  const policy = policyText(state);
  if (!isOpen(state)) return [recovery, policy, dismissedLine(state), size].filter(isText);
  return [
    recovery,
    policy,
    size,
    meaning,
    concentrationLine(detection),
    cause,
    sideBySideLine(detection),
    normalLine(detection),
    alsoAffectedLine(detection),
  ].filter(isText);
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

function linkList(state: IncidentState, { runbooks_url, console_url }: MessageLinks): Message["links"] {
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

/** Measures that did not change. */
function normalLine({ evidence }: Detection): string | null {
  const measures = "normal" in evidence ? evidence.normal : [];
  if (measures.length === 0) return null;
  const parts = measures.map(
    ({ name, value, unit, interval, n }) =>
      `${name} ${formatValue(value, unit)} (95% interval ${formatInterval(interval, unit)}, n = ${formatCount(n)})`,
  );
  return `Normal: ${parts.join("; ")}.`;
}

/** The table under the sentences: how bad, for how many, where, whose, between which versions, since when. */
function fields(state: IncidentState): Message["fields"] {
  const { detection } = state;
  const all = [
    { label: "Severity", value: `${state.severity} · ${nextStep(state)}` },
    { label: isOpen(state) ? "Blast radius" : "Impact", value: measureWords(detection).harm },
    {
      label: "Environment",
      value: detection.tenant === "" ? detection.env : `${detection.env} · ${detection.tenant}`,
    },
    { label: "Protects", value: protectedText(detection) },
    { label: "Owner", value: detection.owner ?? null },
    { label: "Versions", value: versionsText(detection) },
    { label: "State", value: stateSentence(state) },
  ];
  return all.flatMap(({ label, value }) => (value === null ? [] : [{ label, value }]));
}

/** What a guardrail protects beyond the answer: the reason of the highest severity. */
function protectedText({ kind, evidence }: Detection): string | null {
  if (kind !== "quality" || evidence.protects === null) return null;
  return evidence.protects.replaceAll("_", " ");
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
      return `Resolved ${since}: ${state.recovery === null ? "recovered" : recoveryWords(state.detection, state.recovery.cause, state.recovery.current)}`;
    case "dismissed":
      return `Dismissed by ${by}, ${since}`;
  }
}

/** Folder of the runbooks on this machine, the same from source and from a build. */
export function runbooksDir(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@plumbline/alerts/package.json")), "runbooks");
}

/** The notification: what is read first, and often alone. At most `PREVIEW_LENGTH_MAX` characters. */
function preview(state: IncidentState): string {
  const { detection, severity } = state;
  const stateWord = state.state === "firing" ? "" : ` ${state.state}`;
  const head = `[${severity}${stateWord}] `;
  const action = ` ${nextStep(state)}.`;
  const sentence = `${detection.use_case}: ${resolvedSentence(state) ?? measureWords(detection).sentence}.`;
  const where = state.state === "firing" ? previewWhere(detection) : "";
  // The next step is never cut off; the place is cut first, then the names.
  const full = `${head}${sentence}${where}${action}`;
  if (full.length <= PREVIEW_LENGTH_MAX) return full;
  return `${head}${clip(sentence, PREVIEW_LENGTH_MAX - head.length - action.length)}${action}`;
}

/** At most `TITLE_LENGTH_MAX` characters. */
function title(state: IncidentState): string {
  const { detection } = state;
  const text = resolvedTitle(state) ?? measureWords(detection).title;
  return clip(`${detection.use_case}: ${text}`, TITLE_LENGTH_MAX);
}

/** Null while it is not over. */
function resolvedTitle(state: IncidentState): string | null {
  const { detection, recovery } = state;
  if (recovery === null || state.state !== "resolved") return null;
  const { label, unit } = detection.metric;
  const { mean } = recovery.current;
  if (mean !== null && measureWords(detection).isMeasuredAgain)
    return `${label} back to ${formatValue(mean, unit)}${onVersion(state)}`;
  return overText(state);
}

function resolvedSentence(state: IncidentState): string | null {
  const { detection, recovery } = state;
  if (recovery === null || state.state !== "resolved") return null;
  const { label, unit } = detection.metric;
  const { mean } = recovery.current;
  if (mean === null || !measureWords(detection).isMeasuredAgain) return overText(state);
  const how = recoveryWords(detection, recovery.cause, recovery.current);
  return `${label} is ${formatValue(mean, unit)}${onVersion(state)}, ${how}`;
}

/** `calls are judged again`; with what it was about where the words do not say it. */
function overText({ detection, recovery }: IncidentState): string | null {
  if (recovery === null) return null;
  const how = recoveryWords(detection, recovery.cause, recovery.current);
  return recovery.cause === "gap_closed" ? how : `${detection.metric.label} over: ${how}`;
}

function onVersion({ detection, recovery }: IncidentState): string {
  if (recovery === null || detection.kind === "judge_drift") return "";
  const { prompt_version, number } = recovery.current;
  return ` on ${versionLabel(detection, prompt_version, number)}`;
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
