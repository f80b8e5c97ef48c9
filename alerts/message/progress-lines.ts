/** Progress of an incident: its next step, its recovery, its end. */
import { type IncidentState, RECOVERY_UNITS_MIN } from "../incident/lifecycle.ts";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import { formatTime, formatCount, formatInterval, formatValue } from "../words/quantity.ts";
import { sentenceCase, versionLabel } from "../words/text.ts";

export function nextStep(state: IncidentState): string {
  switch (state.state) {
    case "firing":
      return measureWords(state.detection).step;
    case "acknowledged":
      return `${state.state_changed_by} is on it`;
    case "snoozed":
      return `Quiet until ${formatTime(state.snoozed_until ?? state.updated_at, state.updated_at)}`;
    case "watching":
      return state.rolled_back === null
        ? "Watching whether it recovers"
        : `${sentenceCase(wayOut(state))}, watching`;
    case "resolved":
      return "Nothing to do";
    case "dismissed":
      return `Not a regression, says ${state.state_changed_by}`;
  }
}

/** The recovery of an incident, or its progress; null while there is none. */
export function recoveryLine(state: IncidentState): string | null {
  const how = wayOut(state);
  if (state.recovery === null) return state.state === "watching" ? `${sentenceCase(how)}, watching.` : null;
  const { current } = state.recovery;
  const { detection } = state;
  const { counted } = measureWords(detection);
  const n = counted === "judged" ? current.units : current.calls;
  const measured = measuredText(state, n);
  if (state.state === "watching") {
    const progress =
      counted === "judged"
        ? `${formatCount(n)} of ${RECOVERY_UNITS_MIN} judged conversations so far`
        : `${formatCount(n)} calls so far`;
    return `${sentenceCase(how)}, watching: ${progress}${measured === null ? "" : `, at ${measured}`}.`;
  }
  const version =
    detection.kind === "judge_drift"
      ? ""
      : ` on ${versionLabel(detection, current.prompt_version, current.number)}`;
  return `${sentenceCase(how)}${measured === null ? "" : `: ${measured}${version}`}.`;
}

/** `93.8% (interval 91.5% to 96.1%, n = 412 judged)`; null when nothing was measured again. */
function measuredText({ recovery, detection }: IncidentState, n: number): string | null {
  const { mean, interval } = recovery?.current ?? { mean: null, interval: null };
  const { counted, isMeasuredAgain } = measureWords(detection);
  if (n === 0 || mean === null || interval === null || !isMeasuredAgain) return null;
  const { unit } = detection.metric;
  return `${formatValue(mean, unit)} (interval ${formatInterval(interval, unit)}, n = ${formatCount(n)} ${counted})`;
}

/** The end of the incident in words; a rollback with its actor and time. "" while it is unknown. */
function wayOut(state: IncidentState): string {
  const { rolled_back, recovery, detection } = state;
  if (rolled_back === null || (recovery !== null && recovery.cause !== "rollback"))
    return recovery === null ? "" : recoveryWords(detection, recovery.cause, recovery.current);
  const { to_number, actor, at } = rolled_back;
  return `rolled back to v${to_number} by ${actor} at ${formatTime(at, state.opened_at)}`;
}

export function dismissedLine(state: IncidentState): string | null {
  if (state.state !== "dismissed") return null;
  return `Not a regression, says ${state.state_changed_by}: ${state.dismissed_why ?? ""}. Recorded as a false alarm.`;
}
