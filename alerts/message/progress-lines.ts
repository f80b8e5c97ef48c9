/** Progress of an incident: its next step, its recovery, its end. */
import type { IncidentState } from "../incident/incident-state.ts";
import { RECOVERY_UNITS_MIN } from "../incident/lifecycle.ts";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import { formatMoment } from "../words/moment.ts";
import { formatCount, formatInterval, formatValue } from "../words/quantity.ts";
import { ending, steps } from "../words/sentences.ts";
import { sentenceCase, versionLabel } from "../words/text.ts";

/** What a reader is to do now; an imperative, or whose turn it is. */
export function nextStep(state: IncidentState, zone: string): string {
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
export function recoveryLine(state: IncidentState, zone: string): string | null {
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

export function dismissedLine(state: IncidentState): string | null {
  if (state.state !== "dismissed") return null;
  return ending.falseAlarm(state.state_changed_by, (state.dismissed_why ?? "").replace(/\.$/, ""));
}
