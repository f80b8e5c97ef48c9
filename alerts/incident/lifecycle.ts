/**
 * The life of an incident. *Detection* is what the monitor asserts; *incident* is what people handle. The state
 * is the fold of the incident's events in the order of the log; time comes from the events, so every replica and
 * every restart arrives at the same state.
 */
import {
  type Detection,
  HOUR_MS,
  type IncidentEvent,
  MINUTE_MS,
  type RecoveryCause,
  type RecoveryEvidence,
  type Severity,
} from "@plumbline/schemas";
import { measureWords, recoveryWords } from "../words/measure-words.ts";
import { placeOfCandidate, placeOfVersion, type RolledBack } from "./identity.ts";

type EventOf<Type extends IncidentEvent["type"]> = Extract<IncidentEvent, { type: Type }>;

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
  /** Newest last, at most `HISTORY_LINES_MAX`. */
  readonly history: readonly HistoryLine[];
  /** By channel name. */
  readonly deliveries: Readonly<Record<string, Delivery>>;
}

export const HISTORY_LINES_MAX = 50;
/** A detection this soon after the resolve is the same episode, and edits the same message. */
const REOPEN_WITHIN_MS = 24 * HOUR_MS;
/** After a rollback the old version's numbers keep arriving for a while; past this they mean it did not help. */
const WATCH_MS = 60 * MINUTE_MS;
/** Judged units that a rollback must show before it counts as recovery: no data is never read as good. */
export const RECOVERY_UNITS_MIN = 100;
/** Clients go on with the old pointer for a while: calls this soon after a rollback are from before it. */
const SWITCH_MS = 60_000;
/** Kinds that the version itself can cause. Inputs, missing judgements and the judge are none of its doing. */
const CAUSED_BY_VERSION: ReadonlySet<Detection["kind"]> = new Set([
  "quality",
  "output_drift",
  "latency",
  "cost",
  "success",
  "path_mix",
]);
/** The actor of events that nobody caused. */
const TIME = "time";
/** An acknowledgement says "I am on it", not "done": it runs out. */
const ACKNOWLEDGED_MS: Readonly<Record<Severity, number>> = {
  SEV1: 30 * MINUTE_MS,
  SEV2: 2 * HOUR_MS,
  SEV3: Number.POSITIVE_INFINITY,
};

/**
 * One step of an incident's life. Pure. Events about an incident that was never detected yield null; events that
 * mean nothing in the current state (an acknowledgement after the resolve) return the same object.
 */
export function foldIncident(state: IncidentState, event: IncidentEvent): IncidentState;
export function foldIncident(state: IncidentState | null, event: IncidentEvent): IncidentState | null;
export function foldIncident(state: IncidentState | null, event: IncidentEvent): IncidentState | null {
  if (state === null) return event.type === "detected" ? open(event) : null;
  switch (event.type) {
    case "detected":
      return detected(state, event);
    case "recovered":
      return recovered(state, event);
    case "acknowledged":
      if (state.state !== "firing" && state.state !== "snoozed") return state;
      return move(state, event, "acknowledged", `Acknowledged by ${event.actor}.`);
    case "unacknowledged":
      return unacknowledged(state, event);
    case "snoozed":
      if (!isOpen(state) || state.state === "watching" || ms(event.until) <= ms(event.at)) return state;
      return {
        ...move(state, event, "snoozed", `Snoozed until ${minuteUtc(event.until)} by ${event.actor}.`),
        snoozed_until: event.until,
      };
    case "dismissed":
      if (state.state === "dismissed") return state;
      return {
        ...move(state, event, "dismissed", `Marked as not a regression by ${event.actor}: ${event.why}.`),
        dismissed_why: event.why,
      };
    case "delivered":
      return delivered(state, event);
    case "rolled_back":
      return rolledBack(state, event);
    case "policy_noted":
      return policyNoted(state, event);
    case "gate_bypassed":
      // A bypass is a notice with an id of its own.
      return state;
  }
}

/** Neither resolved nor dismissed. */
export function isOpen(state: Pick<IncidentState, "state">): boolean {
  return state.state !== "resolved" && state.state !== "dismissed";
}

/**
 * The event that the passing of time calls for, or null: an acknowledgement or a snooze that ran out. Whoever
 * appends it need not care about doing so twice, because the second one changes nothing.
 */
export function dueEvent(state: IncidentState, now: number): IncidentEvent | null {
  const deadline =
    state.state === "acknowledged"
      ? ms(state.state_changed_at) + ACKNOWLEDGED_MS[state.severity]
      : state.state === "snoozed" && state.snoozed_until !== null
        ? ms(state.snoozed_until)
        : Number.POSITIVE_INFINITY;
  if (now < deadline) return null;
  return {
    type: "unacknowledged",
    incident_id: state.incident_id,
    at: new Date(now).toISOString(),
    actor: TIME,
  };
}

function open(event: EventOf<"detected">): IncidentState {
  return {
    incident_id: event.incident_id,
    state: "firing",
    severity: event.detection.severity,
    detection: event.detection,
    revision: 1,
    state_revision: 1,
    episode: 1,
    episode_revision: 1,
    opened_at: event.at,
    state_changed_at: event.at,
    state_changed_by: event.actor,
    updated_at: event.at,
    snoozed_until: null,
    recovery: null,
    rolled_back: null,
    policy: null,
    dismissed_why: null,
    history: [
      { revision: 1, at: event.at, actor: event.actor, text: `Fired as ${event.detection.severity}.` },
    ],
    deliveries: {},
  };
}

function detected(state: IncidentState, event: EventOf<"detected">): IncidentState {
  switch (state.state) {
    case "dismissed":
      // A person decided on this version and metric. Another version is another incident.
      return state;
    case "resolved": {
      const again = { ...state, detection: event.detection, severity: event.detection.severity };
      if (ms(event.at) - ms(state.state_changed_at) < REOPEN_WITHIN_MS) {
        return move(again, event, "firing", "Fired again after the resolve: re-opened.");
      }
      const fired = move(again, event, "firing", `Fired as ${event.detection.severity}.`);
      return {
        ...fired,
        episode: state.episode + 1,
        episode_revision: fired.revision,
        opened_at: event.at,
        policy: null,
        history: fired.history.slice(-1),
        deliveries: {},
      };
    }
    case "watching": {
      if (ms(event.at) - ms(state.state_changed_at) < WATCH_MS) return state;
      const next = { ...state, detection: event.detection, severity: event.detection.severity };
      return move(next, event, "firing", "No recovery within 60 minutes: firing again.");
    }
    case "firing":
    case "acknowledged":
    case "snoozed": {
      const { severity } = event.detection;
      if (isRaised(state.severity, severity)) {
        const text = `Severity raised from ${state.severity} to ${severity}.`;
        return move({ ...state, severity, detection: event.detection }, event, "firing", text);
      }
      if (isSameEvidence(state.detection, event.detection)) return state;
      // A weaker repetition keeps the severity: it is not lowered silently.
      return { ...state, detection: event.detection, revision: state.revision + 1, updated_at: event.at };
    }
  }
}

function recovered(state: IncidentState, event: EventOf<"recovered">): IncidentState {
  if (!isOpen(state)) return state;
  const { cause, current } = event;
  const recovery = { cause, current };
  const how = recoveryWords(state.detection, cause, current);
  if (isProven(state.detection, recovery)) {
    return { ...move(state, event, "resolved", `Resolved: ${how}.`), recovery };
  }
  if (state.state === "watching") {
    // Progress: new numbers, same state, and the watch keeps its start.
    return { ...state, recovery, revision: state.revision + 1, updated_at: event.at };
  }
  return { ...move(state, event, "watching", `Watching: ${how}, recovery not yet proven.`), recovery };
}

/** After a rollback the old version has to show that it helped. */
function rolledBack(state: IncidentState, event: RolledBack): IncidentState {
  if (!isOpen(state) || !takesBack(event, state.detection)) return state;
  if (state.rolled_back?.incident_id === event.incident_id) return state;
  // The version came back since, and the incident is about its later calls.
  if (ms(state.opened_at) > ms(event.at) && !isEvidenceBefore(event, state.detection)) return state;
  return {
    ...move(state, event, "watching", `Rolled back to v${event.to_number} by ${event.actor}${whyOf(event)}.`),
    // A rollback may be announced after its effects.
    updated_at: ms(event.at) > ms(state.updated_at) ? event.at : state.updated_at,
    recovery: state.recovery,
    rolled_back: event,
    policy: null,
  };
}

/** Replicas say the same; it is shown once. */
function policyNoted(state: IncidentState, event: EventOf<"policy_noted">): IncidentState {
  const { did, why, at, actor } = event;
  const { policy } = state;
  if (!isOpen(state) || (policy?.did === did && policy.why === why)) return state;
  const revision = state.revision + 1;
  const noted = { ...state, revision, policy: { did, why, at, actor } };
  const line = { revision, at, actor, text: policyText(noted) ?? why };
  return {
    ...noted,
    updated_at: ms(at) > ms(state.updated_at) ? at : state.updated_at,
    history: [...state.history, line].slice(-HISTORY_LINES_MAX),
  };
}

/** policyText says what was done about an incident by itself, or why nothing was; null when there is nothing to say. */
export function policyText({
  policy,
  rolled_back,
}: Pick<IncidentState, "policy" | "rolled_back">): string | null {
  if (rolled_back?.because_of != null) {
    const { labels } = rolled_back.because_of;
    return `By itself: the judge of this guardrail is calibrated by ${labels} labels of people. v${rolled_back.number} is quarantined until it passes a new evaluation.`;
  }
  if (policy === null) return null;
  return policy.did === "holds"
    ? `Nothing is rolled back by itself: ${policy.why}`
    : `Automation tries itself out and would roll back: ${policy.why}`;
}

function isProven(
  detection: Detection,
  { cause, current }: { readonly cause: RecoveryCause; readonly current: RecoveryEvidence },
): boolean {
  // A closed gap was counted; there is nothing else to prove.
  if (cause === "gap_closed") return true;
  const isJudged = measureWords(detection).counted === "judged";
  const n = isJudged ? current.units : current.calls;
  return n > 0 && !(cause === "rollback" && isJudged && n < RECOVERY_UNITS_MIN);
}

function unacknowledged(state: IncidentState, event: EventOf<"unacknowledged">): IncidentState {
  switch (state.state) {
    case "acknowledged":
      return move(
        state,
        event,
        "firing",
        event.actor === TIME
          ? "The acknowledgement ran out."
          : `Acknowledgement taken back by ${event.actor}.`,
      );
    case "snoozed":
      return move(
        state,
        event,
        "firing",
        event.actor === TIME ? "The snooze ran out." : `Snooze ended by ${event.actor}.`,
      );
    case "dismissed":
      return move(state, event, "firing", `Dismissal taken back by ${event.actor}.`);
    case "firing":
    case "watching":
    case "resolved":
      return state;
  }
}

function delivered(state: IncidentState, event: EventOf<"delivered">): IncidentState {
  if (event.revision < state.episode_revision) return state;
  const known = state.deliveries[event.channel];
  if (known !== undefined && known.revision > event.revision) return state;
  const delivery = { message_ref: event.message_ref, revision: event.revision };
  return { ...state, deliveries: { ...state.deliveries, [event.channel]: delivery } };
}

function move(
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
    history: [...state.history, line].slice(-HISTORY_LINES_MAX),
  };
}

/** Equal in everything a reader sees. */
function isSameEvidence(a: Detection, b: Detection): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function ms(iso: string): number {
  return Date.parse(iso);
}

function minuteUtc(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** isRaised returns true when `next` is more urgent than `previous`. */
export function isRaised(previous: Severity, next: Severity): boolean {
  return Number(next.slice(3)) < Number(previous.slice(3));
}

/** takesBack returns true when the rollback took back the version that the detection blames. */
function takesBack(rollback: RolledBack, detection: Detection): boolean {
  return CAUSED_BY_VERSION.has(detection.kind) && placeOfVersion(rollback) === placeOfCandidate(detection);
}

/** isEvidenceBefore returns true when everything detected happened before the rollback, however late it was noticed. */
export function isEvidenceBefore(rollback: RolledBack, { window }: Detection): boolean {
  return Date.parse(window.end) <= Date.parse(rollback.at) + SWITCH_MS;
}

/** ": <reason>" without its full stop, to go on a sentence; "" when none was given. */
export function whyOf({ reason }: RolledBack): string {
  const why = reason.trim().replace(/\.$/, "");
  return why === "" ? "" : `: ${why}`;
}
