/** How an incident ended, or how far it is from ending. */
import { isRollback, RECOVERY_UNITS_MIN, type IncidentState } from "./lifecycle.ts";
import { formatCount, formatInterval, formatTime, formatValue, unitOf } from "./quantity.ts";
import { sentenceCase } from "./text.ts";
import { readable, versionLabel } from "./version-labels.ts";

export function recoveryLine(state: IncidentState): string | null {
  const how = wayOut(state);
  if (state.recovery === null) return state.state === "watching" ? `${sentenceCase(how)}, watching.` : null;
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
    return `${sentenceCase(how)}, watching: ${progress}${measured === null ? "" : `, at ${measured}`}.`;
  }
  return `${sentenceCase(how)}${measured === null ? "" : `: ${measured} on ${versionLabel(detection, current.prompt_version)}`}.`;
}

/** How it ended or is to end; a rollback with who did it and when. "" while nobody knows. */
export function wayOut(state: IncidentState): string {
  const { rolled_back, recovery } = state;
  const how = recovery?.how ?? "";
  if (rolled_back === null || !(how === "" || isRollback(how))) return readable(state.detection, how);
  const { to_number, actor, at } = rolled_back;
  return `rolled back to v${to_number} by ${actor} at ${formatTime(at, state.opened_at)}`;
}

export function dismissedLine(state: IncidentState): string | null {
  if (state.state !== "dismissed") return null;
  return `Not a regression, says ${state.state_changed_by}: ${state.dismissed_why ?? ""}. Recorded as a false alarm.`;
}
