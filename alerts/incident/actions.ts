/**
 * What a person may do about an incident from its message: which buttons stand there in which state, and what each carries
 * back. Pure.
 */
import type { MessageAction } from "@plumbline/ports";
import type { IncidentActionValue, IncidentCommandName } from "@plumbline/schemas";
import { versionLabel } from "../words/text.ts";
import { causedByVersion, type IncidentState, type IncidentStateName } from "./incident-state.ts";

/** In the order of the message; a rollback comes first where there is something to go back to. */
const COMMANDS: Readonly<Record<IncidentStateName, readonly IncidentCommandName[]>> = {
  firing: ["rollback", "acknowledge", "snooze", "dismiss", "note"],
  acknowledged: ["rollback", "reopen", "snooze", "dismiss", "note"],
  snoozed: ["rollback", "reopen", "dismiss", "note"],
  watching: ["dismiss", "note"],
  resolved: ["reopen", "dismiss", "note"],
  dismissed: ["reopen", "note"],
};

/** What undoing is called in a state. */
const REOPEN_LABELS: Readonly<Record<IncidentStateName, string>> = {
  firing: "Reopen",
  acknowledged: "Unacknowledge",
  snoozed: "Wake",
  watching: "Reopen",
  resolved: "Reopen",
  dismissed: "Undo: it is a regression",
};

const SNOOZES = [
  { label: "1 hour", for_minutes: 60 },
  { label: "4 hours", for_minutes: 240 },
  { label: "Until tomorrow, 24 hours", for_minutes: 1_440 },
];

/** The two versions of a rollback, both known to the registry. */
export interface RollbackTarget {
  readonly from: { readonly prompt_version: string; readonly label: string };
  readonly to: { readonly prompt_version: string; readonly label: string };
}

/**
 * The rollback that would end the incident; null where the version is not the cause, there is none before it, the registry
 * knows neither, or it was taken back already.
 */
export function rollbackTarget(state: IncidentState): RollbackTarget | null {
  const { detection, rolled_back } = state;
  const { candidate, incumbent } = detection;
  if (!causedByVersion(detection) || rolled_back !== null) return null;
  // The registry's numbers: what has none is not there to go back to.
  if (candidate.number === undefined || incumbent?.number === undefined) return null;
  if (candidate.prompt_version === incumbent.prompt_version) return null;
  const side = ({ prompt_version, number }: typeof candidate) => ({
    prompt_version,
    label: versionLabel(detection, prompt_version, number),
  });
  return { from: side(candidate), to: side(incumbent) };
}

/** The commands that mean something in the incident's state. */
export function commandsOf(state: IncidentState): readonly IncidentCommandName[] {
  const hasTarget = rollbackTarget(state) !== null;
  return COMMANDS[state.state].filter((command) => command !== "rollback" || hasTarget);
}

/** The buttons of the incident's message, in their order. */
export function actionsOf(state: IncidentState): readonly MessageAction[] {
  return commandsOf(state).map((command) => ACTIONS[command](state));
}

const PLAIN = { style: "plain", confirm: null, choices: [], asks: null } as const;

const ACTIONS: Readonly<Record<IncidentCommandName, (state: IncidentState) => MessageAction>> = {
  rollback: (state) => {
    const { from, to } = rollbackTarget(state)!;
    const { env, use_case } = state.detection;
    return {
      ...PLAIN,
      id: "pl.rollback",
      label: `Roll back to ${to.label}`,
      style: "danger",
      value: valueOf(state, "rollback", { from: from.prompt_version, to: to.prompt_version }),
      confirm: {
        title: `Roll back ${use_case}?`,
        text: `${env} will serve ${to.label} instead of ${from.label}. Clients switch within 30 s. ${from.label} is quarantined until it passes a new evaluation.`,
        yes: "Roll back",
      },
    };
  },
  acknowledge: (state) => ({
    ...PLAIN,
    id: "pl.acknowledge",
    label: "Acknowledge",
    style: "primary",
    value: valueOf(state, "acknowledge"),
  }),
  snooze: (state) => ({
    ...PLAIN,
    id: "pl.snooze",
    label: "Snooze",
    value: valueOf(state, "snooze", { for_minutes: SNOOZES[0]!.for_minutes }),
    choices: SNOOZES.map(({ label, for_minutes }) => ({
      label,
      value: valueOf(state, "snooze", { for_minutes }),
    })),
  }),
  dismiss: (state) => ({
    ...PLAIN,
    id: "pl.dismiss",
    label: "Not a regression",
    value: valueOf(state, "dismiss"),
    asks: "Why is it no regression?",
  }),
  reopen: (state) => ({
    ...PLAIN,
    id: "pl.reopen",
    label: REOPEN_LABELS[state.state],
    value: valueOf(state, "reopen"),
  }),
  note: (state) => ({
    ...PLAIN,
    id: "pl.note",
    label: "Add note",
    value: valueOf(state, "note"),
    asks: "What should others know?",
  }),
};

function valueOf(
  { incident_id, state_revision }: IncidentState,
  command: IncidentCommandName,
  more: Partial<IncidentActionValue> = {},
): string {
  const value: IncidentActionValue = { incident_id, command, expected_revision: state_revision, ...more };
  return JSON.stringify(value);
}
