/** The table under the sentences: how bad, for how many, where, whose, between which versions, since when. */
import type { Detection } from "@plumbline/schemas";
import type { IncidentMessage } from "./incident-message.ts";
import { isOpen, type IncidentState } from "../incident/lifecycle.ts";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import { nextStep } from "./next-step.ts";
import { formatTime } from "../words/quantity.ts";
import { versionsText } from "../words/version-labels.ts";

export function fields(state: IncidentState): IncidentMessage["fields"] {
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

const PROTECTED_WORDS = { safety: "safety", personal_data: "personal data" } as const;

/** What a guardrail is for, beyond the answer: the reason of the highest severity. */
function protectedText({ kind, evidence }: Detection): string | null {
  if (kind !== "quality" || evidence.protects === null) return null;
  return PROTECTED_WORDS[evidence.protects];
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
