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
import {
  causedByVersion,
  type EventOf,
  type IncidentState,
  isOpen,
  isStanding,
  move,
  ms,
  note,
  placeOfCandidate,
  placeOfVersion,
  type RolledBack,
} from "./incident-state.ts";
import { foldPeople, isByPeople } from "./people.ts";

/** A detection this soon after the resolve is the same episode, and edits the same message. */
const REOPEN_WITHIN_MS = 24 * HOUR_MS;
/** After a rollback the old version's numbers keep arriving for a while; past this they mean it did not help. */
const WATCH_MS = 60 * MINUTE_MS;
/** Judged units that a rollback must show before it counts as recovery: no data is never read as good. */
export const RECOVERY_UNITS_MIN = 100;
/** Clients go on with the old pointer for a while: calls this soon after a rollback are from before it. */
const SWITCH_MS = 60_000;
/**
 * One step of an incident's life. Pure. Events about an incident that was never detected yield null; events that
 * mean nothing in the current state (an acknowledgement after the resolve) return the same object.
 */
export function foldIncident(state: IncidentState, event: IncidentEvent): IncidentState;
export function foldIncident(state: IncidentState | null, event: IncidentEvent): IncidentState | null;
export function foldIncident(state: IncidentState | null, event: IncidentEvent): IncidentState | null {
  if (state === null) return event.type === "detected" ? open(event) : null;
  if (isByPeople(event)) return foldPeople(state, event);
  switch (event.type) {
    case "detected":
      return detected(state, event);
    case "recovered":
      return recovered(state, event);
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
    dismissal_over_at: null,
    dismissals: 0,
    commands: [],
    history: [
      { revision: 1, at: event.at, actor: event.actor, text: `Fired as ${event.detection.severity}.` },
    ],
    deliveries: {},
  };
}

function detected(state: IncidentState, event: EventOf<"detected">): IncidentState {
  switch (state.state) {
    case "dismissed":
      // A person decided on what was detected, for as long as it lasts. What comes after it is new.
      return isStanding(state) ? state : newEpisode(state, event);
    case "resolved": {
      if (ms(event.at) - ms(state.state_changed_at) >= REOPEN_WITHIN_MS) return newEpisode(state, event);
      const again = { ...state, detection: event.detection, severity: event.detection.severity };
      return move(again, event, "firing", "Fired again after the resolve: re-opened.");
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

/** The incident fires again, long after it was over: a new message. */
function newEpisode(state: IncidentState, event: EventOf<"detected">): IncidentState {
  const { detection } = event;
  const again = { ...state, detection, severity: detection.severity };
  const fired = move(again, event, "firing", `Fired as ${detection.severity}.`);
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

/** What was dismissed passed. Nobody is told: it was no regression. */
function endDismissal(state: IncidentState, { at }: Pick<IncidentEvent, "at">): IncidentState {
  return isStanding(state) ? { ...state, dismissal_over_at: at } : state;
}

function recovered(state: IncidentState, event: EventOf<"recovered">): IncidentState {
  if (!isOpen(state)) return endDismissal(state, event);
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
  if (!takesBack(event, state.detection)) return state;
  if (!isOpen(state)) return endDismissal(state, event);
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
  const noted = { ...state, policy: { did, why, at, actor } };
  return note(noted, event, policyText(noted) ?? why);
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

function delivered(state: IncidentState, event: EventOf<"delivered">): IncidentState {
  if (event.revision < state.episode_revision) return state;
  const known = state.deliveries[event.channel];
  if (known !== undefined && known.revision > event.revision) return state;
  const delivery = { message_ref: event.message_ref, revision: event.revision };
  return { ...state, deliveries: { ...state.deliveries, [event.channel]: delivery } };
}

/** Equal in everything a reader sees. */
function isSameEvidence(a: Detection, b: Detection): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** isRaised returns true when `next` is more urgent than `previous`. */
export function isRaised(previous: Severity, next: Severity): boolean {
  return Number(next.slice(3)) < Number(previous.slice(3));
}

/** takesBack returns true when the rollback took back the version that the detection blames. */
function takesBack(rollback: RolledBack, detection: Detection): boolean {
  return causedByVersion(detection) && placeOfVersion(rollback) === placeOfCandidate(detection);
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
