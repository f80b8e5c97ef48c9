/** The table under the sentences: how bad, for how many, where, whose, between which versions, since when. */
import type { Detection } from "@plumbline/schemas";
import type { IncidentMessage } from "./incident-message.ts";
import { isOpen, type IncidentState } from "./lifecycle.ts";
import { messageEvidence } from "./message-evidence.ts";
import { nextStep } from "./next-step.ts";
import { formatCount, formatTime } from "./quantity.ts";
import { readable, versionsText } from "./version-labels.ts";

export function fields(state: IncidentState): IncidentMessage["fields"] {
  const { detection } = state;
  const { owner } = messageEvidence(detection);
  const all = [
    { label: "Severity", value: `${state.severity} · ${nextStep(state)}` },
    { label: isOpen(state) ? "Blast radius" : "Impact", value: blastRadius(detection) },
    {
      label: "Environment",
      value: detection.tenant === "" ? detection.env : `${detection.env} · ${detection.tenant}`,
    },
    { label: "Owner", value: owner ?? null },
    { label: "Versions", value: versionsText(detection) },
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
      return `Resolved ${since}: ${readable(state.detection, state.recovery?.how ?? "recovered")}`;
    case "dismissed":
      return `Dismissed by ${by}, ${since}`;
  }
}
