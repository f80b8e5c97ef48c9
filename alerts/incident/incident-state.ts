/** The state of an incident, and how one event changes what every change has in common. */
import type { Detection, IncidentEvent, RecoveryCause, RecoveryEvidence, Severity } from "@plumbline/schemas";
import type { RolledBack } from "./identity.ts";

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
