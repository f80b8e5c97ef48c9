/**
 * What people read about an incident. Pure and deterministic: the same state gives the same text in every
 * process. A number appears with its interval and n, or its line is left out; pairs of two versions that serve side by side
 * have an e-value in place of the interval.
 */
import type { Detection } from "@plumbline/schemas";
import type { IncidentMessage } from "./incident-message.ts";
import { judgeNotes } from "../words/judge-words.ts";
import { isOpen, policyText, type IncidentState } from "../incident/lifecycle.ts";
import { fields } from "./message-fields.ts";
import { preview, title } from "./message-headline.ts";
import { measureWords } from "../words/measure-words.ts";
import { formatCount, formatInterval, formatTime, formatValue, formatWindow } from "../words/quantity.ts";
import { dismissedLine, recoveryLine } from "./recovery-line.ts";
import { RUNBOOKS } from "./runbook.ts";
import { sideBySideLine } from "../words/quality-words.ts";
import { alsoAffectedLine, concentrationLine } from "./slice-lines.ts";
import { isText } from "../words/text.ts";

export type { IncidentMessage } from "./incident-message.ts";
export { PREVIEW_LENGTH_MAX, TITLE_LENGTH_MAX } from "./message-headline.ts";
export { clip } from "../words/text.ts";
export { shortVersion } from "../words/version-labels.ts";

/** Where links in messages lead; null leaves the link out. */
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
export function renderMessage(state: IncidentState, links: MessageLinks): IncidentMessage {
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

/** What was looked at and did not change. */
function normalLine({ evidence }: Detection): string | null {
  const measures = "normal" in evidence ? evidence.normal : [];
  if (measures.length === 0) return null;
  const parts = measures.map(
    ({ name, value, unit, interval, n }) =>
      `${name} ${formatValue(value, unit)} (95% interval ${formatInterval(interval, unit)}, n = ${formatCount(n)})`,
  );
  return `Normal: ${parts.join("; ")}.`;
}
