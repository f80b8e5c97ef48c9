/** What an incident asks people to do now. */
import type { Detection } from "@plumbline/schemas";
import { inputShiftLine } from "./cause-line.ts";
import { coverageStep } from "./coverage-words.ts";
import type { IncidentState } from "./lifecycle.ts";
import { messageEvidence } from "./message-evidence.ts";
import { formatTime } from "./quantity.ts";
import { wayOut } from "./recovery-line.ts";
import { sentenceCase } from "./text.ts";
import { STORED_SHARE } from "./stored-share.ts";
import { incumbentLabel } from "./version-labels.ts";

/** What a detection of each kind asks people to do. */
const ACTIONS: Readonly<Record<Exclude<Detection["kind"], "coverage">, string>> = {
  quality: "Roll back, or acknowledge",
  input_drift: "Check whether the eval set still covers the inputs",
  output_drift: "Read answers of both versions side by side",
  latency: "Check the provider, then the prompt's length",
  cost: "Check token counts and the cached share",
  success: "Check the provider, then roll back",
  path_mix: "Check the primary model; users get degraded answers",
  judge_drift: "Recalibrate the judge before trusting its scores",
};

export function nextStep(state: IncidentState): string {
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
        : `${sentenceCase(wayOut(state))}, watching`;
    case "resolved":
      return "Nothing to do";
    case "dismissed":
      return `Not a regression, says ${state.state_changed_by}`;
  }
}

function firstStep(detection: Detection): string {
  const { kind, metric, incumbent } = detection;
  if (metric === STORED_SHARE) return "Look for what the writer went past: plumbline doctor";
  if (kind === "coverage") return coverageStep(detection);
  if (kind !== "quality" || incumbent === null) return ACTIONS[kind];
  if (inputShiftLine(detection) !== null) return "Look at what users send, or acknowledge";
  const { cause, detector } = messageEvidence(detection);
  if (detector?.paired_silent === true) return "Look upstream, or acknowledge";
  // A rollback is no answer to a change that wasn't a deploy, least of all to the version that serves already.
  if (cause !== undefined && cause.kind !== "own_change") return "Look upstream, or acknowledge";
  return `Roll back to ${incumbentLabel(detection)}, or acknowledge`;
}
