/** An incident: its state, what every change of it has in common, what people may do in it, and its ids. Pure. */
import type {
  Detection,
  IncidentActionValue,
  IncidentCommandName,
  IncidentEvent,
  RecoveryCause,
  RecoveryEvidence,
  Severity,
} from "@plumbline/schemas";
import type { MessageAction } from "@plumbline/ports";
import { versionLabel } from "../words/text.ts";
import { createHash } from "node:crypto";

export type EventOf<Type extends IncidentEvent["type"]> = Extract<IncidentEvent, { type: Type }>;

export type IncidentStateName = "firing" | "acknowledged" | "snoozed" | "watching" | "resolved" | "dismissed";

/** One line of the incident's history: who did what, and the revision that first showed it. */
interface HistoryLine {
  readonly revision: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly actor: string;
  readonly text: string;
}

type PolicyNote = Pick<EventOf<"policy_noted">, "did" | "why" | "at" | "actor">;

/** A command that a person gave, and what came of it. */
interface GivenCommand {
  /** Idempotency key: given again, nothing happens again. */
  readonly key: string;
  /** stale: the state had changed since the person saw it; no_effect: it means nothing in this state. */
  readonly outcome: "done" | "stale" | "no_effect";
}

/** The newest revision that a channel shows. */
interface Delivery {
  readonly message_ref: string;
  readonly revision: number;
}

export interface IncidentState<Of extends Detection = Detection> {
  readonly incident_id: string;
  readonly state: IncidentStateName;
  readonly severity: Severity;
  /** Newest numbers. */
  readonly detection: Of;
  /** Rises by one with each visible change, over all episodes. */
  readonly revision: number;
  /** Revision of the newest change of state or severity: such a change is shown at once, new numbers may wait. */
  readonly state_revision: number;
  /** 1 at first; rises when the incident fires again long after it was resolved, which makes a new message. */
  readonly episode: number;
  /** First revision of the episode. A delivery of an older revision belongs to an older message. */
  readonly episode_revision: number;
  /** Start of the episode, ISO 8601 UTC. */
  readonly opened_at: string;
  /** Last change of the state, ISO 8601 UTC. */
  readonly state_changed_at: string;
  /** The service or person that changed it. */
  readonly state_changed_by: string;
  /** Last visible change, ISO 8601 UTC. */
  readonly updated_at: string;
  readonly snoozed_until: string | null;
  /** Evidence and cause of the recovery while watching or resolved, else null. */
  readonly recovery: { readonly cause: RecoveryCause; readonly current: RecoveryEvidence } | null;
  /** The rollback of the candidate, until the incident fires again; null before one. */
  readonly rolled_back: RolledBack | null;
  /** Why the policy service took nothing back by itself in this episode; null while it said nothing. */
  readonly policy: PolicyNote | null;
  readonly dismissed_why: string | null;
  /** When what was dismissed passed, ISO 8601 UTC: what is detected later is new. Null while it may last. */
  readonly dismissal_over_at: string | null;
  /** Episodes that stand as dismissed: false alarms of the rule. */
  readonly dismissals: number;
  /** The newest last, at most `COMMANDS_KEPT`. */
  readonly commands: readonly GivenCommand[];
  /** Newest last, at most `HISTORY_LINES_MAX`. */
  readonly history: readonly HistoryLine[];
  /** By channel name. */
  readonly deliveries: Readonly<Record<string, Delivery>>;
}

export const HISTORY_LINES_MAX = 50;
/** A command that comes again later than this many others is a new one. */
export const COMMANDS_KEPT = 100;

/** Kinds that the version itself can cause. Inputs, missing judgements and the judge are none of its doing. */
const CAUSED_BY_VERSION: ReadonlySet<Detection["kind"]> = new Set([
  "quality",
  "output_drift",
  "latency",
  "cost",
  "success",
  "path_mix",
]);

/** causedByVersion returns true for what a rollback may end. */
export function causedByVersion({ kind }: Pick<Detection, "kind">): boolean {
  return CAUSED_BY_VERSION.has(kind);
}

/** Neither resolved nor dismissed. */
export function isOpen(state: Pick<IncidentState, "state">): boolean {
  return state.state !== "resolved" && state.state !== "dismissed";
}

/**
 * isStanding returns true while what was detected may last: open, or dismissed and not over since. Whoever asserts it looks
 * for its end, and asserts nothing new until then.
 */
export function isStanding(state: Pick<IncidentState, "state" | "dismissal_over_at">): boolean {
  return isOpen(state) || (state.state === "dismissed" && state.dismissal_over_at === null);
}

/** The state after a visible change, with its line of history. */
export function move(
  state: IncidentState,
  event: IncidentEvent,
  next: IncidentStateName,
  text: string,
): IncidentState {
  const revision = state.revision + 1;
  const line = { revision, at: event.at, actor: event.actor, text };
  return {
    ...state,
    state: next,
    revision,
    state_revision: revision,
    // A raised severity does not restart the clock.
    state_changed_at: next === state.state ? state.state_changed_at : event.at,
    state_changed_by: event.actor,
    updated_at: event.at,
    snoozed_until: null,
    recovery: null,
    rolled_back: next === "firing" ? null : state.rolled_back,
    dismissed_why: null,
    dismissal_over_at: null,
    history: [...state.history, line].slice(-HISTORY_LINES_MAX),
  };
}

/** The state after a change of something other than the state itself, with its line of history. */
export function note(
  state: IncidentState,
  { at, actor }: Pick<IncidentEvent, "at" | "actor">,
  text: string,
): IncidentState {
  const revision = state.revision + 1;
  return {
    ...state,
    revision,
    updated_at: ms(at) > ms(state.updated_at) ? at : state.updated_at,
    history: [...state.history, { revision, at, actor, text }].slice(-HISTORY_LINES_MAX),
  };
}

export function ms(iso: string): number {
  return Date.parse(iso);
}

/**
 * What a person may do in each state, in the order of the message's buttons; a rollback comes first where there is
 * something to go back to.
 */
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

/** The part of a detection that says which incident it belongs to. */
type IncidentIdentity = Pick<Detection, "tenant" | "env" | "use_case" | "kind"> & {
  readonly metric: Pick<Detection["metric"], "name">;
  readonly candidate: Pick<Detection["candidate"], "prompt_version">;
};

/**
 * incidentKey is equal for detections of the same incident: tenant, environment, use case, kind, metric, candidate version.
 * Parts are percent-encoded, so that a slash inside a name cannot make two keys equal.
 */
export function incidentKey(detection: IncidentIdentity): string {
  const { tenant, env, use_case, kind, metric, candidate } = detection;
  return [tenant, env, use_case, kind, metric.name, candidate.prompt_version]
    .map(encodeURIComponent)
    .join("/");
}

/**
 * `inc_` and the first 16 hex digits of the key's SHA-256. The same incident gets the same id in every process,
 * so a detector that crashed and ran again repeats itself instead of opening a second incident.
 */
export function incidentId(key: string): string {
  return `inc_${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

export type RolledBack = Extract<IncidentEvent, { type: "rolled_back" }>;

/** rollbackId is the same for one rollback in every replica. @param offset of the command in the registry's log */
export function rollbackId(logId: string, offset: number): string {
  return incidentId(["rollback", logId, offset].join("/"));
}

/** Names a version of a tenant's use case where it is live. */
export function placeOfVersion(
  place: Pick<RolledBack, "tenant" | "env" | "use_case" | "prompt_version">,
): string {
  return JSON.stringify([place.tenant, place.env, place.use_case, place.prompt_version]);
}

/** The place of the version that a detection blames. */
export function placeOfCandidate({ tenant, env, use_case, candidate }: Detection): string {
  return placeOfVersion({ tenant, env, use_case, prompt_version: candidate.prompt_version });
}
