/**
 * The message of an incident. Pure and deterministic: the same state gives the same text in every
 * process. Its sentences stand in `words/sentences.ts`; a size appears with its interval in the small print, or not at all.
 */
import type { Message } from "@plumbline/ports";
import { clip, type Detection } from "@plumbline/schemas";
import { actionsOf, type IncidentState, isOpen } from "../incident/incident-state.ts";
import { policyText, RECOVERY_UNITS_MIN } from "../incident/lifecycle.ts";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import {
  formatCount,
  formatInterval,
  formatMoment,
  formatMomentOfYear,
  formatValue,
  UTC,
} from "../words/quantity.ts";
import { ending, footnote, normal, steps } from "../words/sentences.ts";
import { alsoSentence, whomSentences } from "../words/slice-words.ts";
import { isText, sentenceCase, spaced, versionLabel, versionsText } from "../words/text.ts";
import { changeQuote, exampleQuotes, type ExamplesMode, type ExampleTexts, NO_TEXTS } from "./examples.ts";
import { rollbackCommand, runbookLinks } from "./next-steps.ts";

export const PREVIEW_LENGTH_MAX = 250;
export const TITLE_LENGTH_MAX = 150;
/** Of the use case's name in a notification that is too long. */
const NAME_LENGTH_MIN = 16;

/** Where messages lead to, and how they read; null leaves a link out. */
export interface MessageSettings {
  /** Folder of the runbooks, without a slash at the end: `<url>/<name>.md`. */
  readonly runbooks_url: string | null;
  /** Root of the page for on-call, without a slash at the end. */
  readonly console_url: string | null;
  /** Of the team that reads, an IANA name; default UTC. */
  readonly time_zone?: string | undefined;
}

/**
 * The message of an incident in its present state.
 *
 * After an incident fires again in a new episode its message id is `<incident_id>-<episode>`, because it must
 * become a new message and not an edit of one that people closed days ago.
 *
 * @param texts of the calls that `exampleCalls` names, where the store still has them
 * @param examples how much of them the reader may see
 */
export function renderMessage(
  state: IncidentState,
  settings: MessageSettings,
  texts: ExampleTexts = NO_TEXTS,
  examples: ExamplesMode = "off",
): Message {
  const { time_zone: zone = UTC } = settings;
  return {
    incident_id: state.episode === 1 ? state.incident_id : `${state.incident_id}-${state.episode}`,
    tenant: state.detection.tenant,
    revision: state.revision,
    state: state.state,
    severity: state.severity,
    preview: preview(state, zone),
    title: title(state),
    command: commandOf(state),
    lines: isOpen(state) ? openLines(state, zone) : closedLines(state, zone),
    quotes: isOpen(state)
      ? [changeQuote(state.detection), ...exampleQuotes(state.detection, texts, examples)].filter(
          (each) => each !== null,
        )
      : [],
    fields: fields(state, zone),
    context: context(state, zone),
    links: linkList(state, settings),
    actions: actionsOf(state),
  };
}

/** The lines of history newer than what a channel shows: the reply that goes with an edit. "" when none. */
export function replySince(state: IncidentState, revision: number, zone: string = UTC): string {
  return state.history
    .filter((line) => line.revision > revision)
    .map((line) => `${formatMoment(line.at, zone)} · ${line.text}`)
    .join("\n");
}

/** First what to do, then what got worse and for whom, how many, since when and by what, what is as before. */
function openLines(state: IncidentState, zone: string): string[] {
  const { detection } = state;
  const words = measureWords(detection, zone);
  const step = recoveryLine(state, zone) ?? `${nextStep(state, zone)}.`;
  return [
    paragraph([step]),
    policyText(state),
    paragraph([...words.worse, ...whomSentences(detection)]),
    alsoSentence(detection),
    words.affected,
    paragraph([words.since, ...words.changed]),
    normalLine(detection),
  ].filter(isText);
}

/** The command line that does what the first paragraph asks for; null where none does. */
function commandOf(state: IncidentState): string | null {
  const isAsked = isOpen(state) && state.state !== "watching" && measureWords(state.detection).offersRollback;
  return isAsked ? rollbackCommand(state) : null;
}

/** What is over orders nothing: how it ended, and what it was. */
function closedLines(state: IncidentState, zone: string): string[] {
  const { worse, since } = measureWords(state.detection, zone);
  return [
    recoveryLine(state, zone),
    policyText(state),
    dismissedLine(state),
    paragraph([...worse, since]),
  ].filter(isText);
}

function paragraph(sentences: readonly (string | null)[]): string {
  return sentences.filter(isText).join(" ");
}

function context(state: IncidentState, zone: string): string[] {
  const { detection } = state;
  return [
    state.incident_id,
    ...measureWords(detection, zone).footnote,
    footnote.dataUntil(formatMomentOfYear(detection.window.end, zone)),
  ];
}

function linkList(state: IncidentState, { runbooks_url, console_url }: MessageSettings): Message["links"] {
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
    ...runbookLinks(kind, runbooks_url),
  ];
}

/** What was looked at and did not change. */
function normalLine({ evidence }: Detection): string | null {
  const measures = "normal" in evidence ? evidence.normal : [];
  if (measures.length === 0) return null;
  const parts = measures.map(({ name, value, unit }) =>
    // The size of a move is no value: 0 would be as before.
    unit === "psi" ? "what users send" : `${name} ${formatValue(value, unit)}`,
  );
  return normal.asBefore([...new Set(parts)].join(", "));
}

/** The table under the sentences: how urgent, where, whose, between which versions. */
function fields(state: IncidentState, zone: string): Message["fields"] {
  const { detection } = state;
  const all = [
    { label: "Severity", value: state.severity },
    {
      label: "Environment",
      value: detection.tenant === "" ? detection.env : `${detection.env} · ${detection.tenant}`,
    },
    { label: "Protects", value: protectedText(detection) },
    { label: "Owner", value: detection.owner ?? null },
    { label: "Versions", value: versionsText(detection) },
    { label: "State", value: stateSentence(state, zone) },
  ];
  return all.flatMap(({ label, value }) => (value === null ? [] : [{ label, value }]));
}

/** What a guardrail protects beyond the answer: the reason of the highest severity. */
function protectedText({ kind, evidence }: Detection): string | null {
  if (kind !== "quality" || evidence.protects === null) return null;
  return spaced(evidence.protects);
}

function stateSentence(state: IncidentState, zone: string): string {
  const since = formatMoment(state.state_changed_at, zone);
  const by = state.state_changed_by;
  switch (state.state) {
    case "firing":
      return ending.found(since);
    case "acknowledged":
      return `Acknowledged by ${by}, ${since}`;
    case "snoozed":
      return `Snoozed by ${by} until ${formatMoment(state.snoozed_until ?? state.state_changed_at, zone)}`;
    case "watching":
      return `Watching since ${since}`;
    case "resolved":
      return `Resolved ${since}: ${state.recovery === null ? "recovered" : recoveryWords(state.detection, state.recovery.cause, state.recovery.current)}`;
    case "dismissed":
      return `Dismissed by ${by}, ${since}`;
  }
}

/**
 * The notification: what is read first, and often alone. At most `PREVIEW_LENGTH_MAX` characters: the name of the use case is
 * cut first, and the step never.
 */
function preview(state: IncidentState, zone: string): string {
  const { detection, severity } = state;
  const stateWord = state.state === "firing" ? "" : ` ${state.state}`;
  const head = `[${severity}${stateWord}] `;
  const action = `. ${nextStep(state, zone)}.`;
  const { headline, whom } = measureWords(detection, zone);
  const place = state.state === "firing" && whom !== null ? `, ${whom}` : "";
  const effect = `: ${resolvedSentence(state) ?? headline}${place}`;
  const room = PREVIEW_LENGTH_MAX - head.length - action.length;
  const name = clip(detection.use_case, Math.max(NAME_LENGTH_MIN, room - effect.length));
  return clip(`${head}${clip(`${name}${effect}`, room)}${action}`, PREVIEW_LENGTH_MAX);
}

/** At most `TITLE_LENGTH_MAX` characters. */
function title(state: IncidentState): string {
  const text = resolvedTitle(state) ?? measureWords(state.detection).headline;
  return clip(`${state.detection.use_case}: ${text}`, TITLE_LENGTH_MAX);
}

/** Null while it is not over. */
function resolvedTitle(state: IncidentState): string | null {
  const { detection, recovery } = state;
  if (recovery === null || state.state !== "resolved") return null;
  const { mean } = recovery.current;
  if (mean !== null && measureWords(detection).isMeasuredAgain)
    return `${spaced(detection.metric.label)} back to ${formatValue(mean, detection.metric.unit)}${onVersion(state)}`;
  return overText(state);
}

function resolvedSentence(state: IncidentState): string | null {
  const { detection, recovery } = state;
  if (recovery === null || state.state !== "resolved") return null;
  const { mean } = recovery.current;
  if (mean === null || !measureWords(detection).isMeasuredAgain) return overText(state);
  const how = recoveryWords(detection, recovery.cause, recovery.current);
  return `${spaced(detection.metric.label)} is ${formatValue(mean, detection.metric.unit)}${onVersion(state)}, ${how}`;
}

/** `calls are judged again`; with what it was about where the words do not say it. */
function overText({ detection, recovery }: IncidentState): string | null {
  if (recovery === null) return null;
  const how = recoveryWords(detection, recovery.cause, recovery.current);
  return recovery.cause === "gap_closed" ? how : `over, ${how} (${spaced(detection.metric.label)})`;
}

function onVersion({ detection, recovery }: IncidentState): string {
  if (recovery === null || detection.kind === "judge_drift") return "";
  const { prompt_version, number } = recovery.current;
  return ` on ${versionLabel(detection, prompt_version, number)}`;
}

/** What a reader is to do now; an imperative, or whose turn it is. */
function nextStep(state: IncidentState, zone: string): string {
  switch (state.state) {
    case "firing":
      return measureWords(state.detection, zone).step;
    case "acknowledged":
      return steps.someoneIsOnIt(state.state_changed_by);
    case "snoozed":
      return steps.quietUntil(formatMoment(state.snoozed_until ?? state.updated_at, zone));
    case "watching":
      return state.rolled_back === null
        ? steps.watching
        : steps.wayOutWatching(sentenceCase(wayOut(state, zone)));
    case "resolved":
      return steps.nothing;
    case "dismissed":
      return steps.notARegression(state.state_changed_by);
  }
}

/** The recovery of an incident, or its progress; null while there is none. */
function recoveryLine(state: IncidentState, zone: string): string | null {
  const how = wayOut(state, zone);
  if (state.recovery === null) return state.state === "watching" ? `${sentenceCase(how)}, watching.` : null;
  const { current } = state.recovery;
  const { detection } = state;
  const { counted } = measureWords(detection);
  const n = counted === "judged" ? current.units : current.calls;
  const measured = measuredText(state, n);
  if (state.state === "watching") {
    const progress =
      counted === "judged"
        ? ending.progressJudged(formatCount(n), String(RECOVERY_UNITS_MIN))
        : ending.progressCalls(formatCount(n));
    return `${sentenceCase(how)}, watching: ${progress}${measured === null ? "" : ending.at(measured)}.`;
  }
  const version =
    detection.kind === "judge_drift"
      ? ""
      : ` on ${versionLabel(detection, current.prompt_version, current.number)}`;
  return `${sentenceCase(how)}${measured === null ? "" : `: ${measured}${version}`}.`;
}

/** `93.8% (91.5% to 96.1%, from 412 judged answers)`; null when nothing was measured again. */
function measuredText({ recovery, detection }: IncidentState, n: number): string | null {
  const { mean, interval } = recovery?.current ?? { mean: null, interval: null };
  const { counted, isMeasuredAgain } = measureWords(detection);
  if (n === 0 || mean === null || interval === null || !isMeasuredAgain) return null;
  const { unit } = detection.metric;
  const from = `${formatCount(n)} ${counted === "judged" ? "judged answers" : "calls"}`;
  return `${formatValue(mean, unit)} (${formatInterval(interval, unit)}, from ${from})`;
}

/** The end of the incident in words; a rollback with its actor and time. "" while it is unknown. */
function wayOut(state: IncidentState, zone: string): string {
  const { rolled_back, recovery, detection } = state;
  if (rolled_back === null || (recovery !== null && recovery.cause !== "rollback"))
    return recovery === null ? "" : recoveryWords(detection, recovery.cause, recovery.current);
  const { to_number, actor, at } = rolled_back;
  return `rolled back to v${to_number} by ${actor} (${formatMoment(at, zone)})`;
}

function dismissedLine(state: IncidentState): string | null {
  if (state.state !== "dismissed") return null;
  return ending.falseAlarm(state.state_changed_by, (state.dismissed_why ?? "").replace(/\.$/, ""));
}
