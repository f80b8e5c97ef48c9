/** What people do about an incident, and the passing of time that ends what they said. Pure. */
import { HOUR_MS, type IncidentEvent, MINUTE_MS, type Severity } from "@plumbline/schemas";
import {
  COMMANDS_KEPT,
  type EventOf,
  type IncidentState,
  isOpen,
  isStanding,
  move,
  ms,
  note,
} from "./incident-state.ts";

export type PeopleEvent = EventOf<
  "acknowledged" | "unacknowledged" | "snoozed" | "dismissed" | "reopened" | "noted"
>;

const PEOPLE: ReadonlySet<IncidentEvent["type"]> = new Set([
  "acknowledged",
  "unacknowledged",
  "snoozed",
  "dismissed",
  "reopened",
  "noted",
] satisfies PeopleEvent["type"][]);
/** The actor of events that nobody caused. */
const TIME = "time";
/** An acknowledgement says "I am on it", not "done": it runs out. */
const ACKNOWLEDGED_MS: Readonly<Record<Severity, number>> = {
  SEV1: 30 * MINUTE_MS,
  SEV2: 2 * HOUR_MS,
  SEV3: Number.POSITIVE_INFINITY,
};

export function isByPeople(event: IncidentEvent): event is PeopleEvent {
  return PEOPLE.has(event.type);
}

/**
 * One command. Given again under its key it does nothing; given in a state that is no longer, it does nothing either,
 * and its outcome says so.
 */
export function foldPeople(state: IncidentState, event: PeopleEvent): IncidentState {
  const command = event.type === "unacknowledged" ? undefined : event.command;
  if (command === undefined) return apply(state, event);
  const { key, expected_revision } = command;
  if (state.commands.some((given) => given.key === key)) return state;
  const isStale = event.type !== "noted" && expected_revision !== state.state_revision;
  const next = isStale ? state : apply(state, event);
  const outcome = isStale ? "stale" : next === state ? "no_effect" : "done";
  return { ...next, commands: [...state.commands, { key, outcome } as const].slice(-COMMANDS_KEPT) };
}

/**
 * The event that the passing of time calls for, or null: an acknowledgement or a snooze that ran out. Whoever
 * appends it need not care about doing so twice, because the second one changes nothing.
 */
export function dueEvent(state: IncidentState, now: number): IncidentEvent | null {
  if (now < deadlineOf(state)) return null;
  return {
    type: "unacknowledged",
    incident_id: state.incident_id,
    at: new Date(now).toISOString(),
    actor: TIME,
  };
}

function deadlineOf({ state, severity, state_changed_at, snoozed_until }: IncidentState): number {
  if (state === "acknowledged") return ms(state_changed_at) + ACKNOWLEDGED_MS[severity];
  return state === "snoozed" && snoozed_until !== null ? ms(snoozed_until) : Number.POSITIVE_INFINITY;
}

function apply(state: IncidentState, event: PeopleEvent): IncidentState {
  switch (event.type) {
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
      return dismissed(state, event);
    case "reopened":
      if (state.state === "firing") return state;
      return reopened(state, event, `Reopened by ${event.actor}.`);
    case "noted":
      return note(state, event, `Note by ${event.actor}: ${event.text}`);
  }
}

function dismissed(state: IncidentState, event: EventOf<"dismissed">): IncidentState {
  if (state.state === "dismissed") return state;
  const text = `Marked as not a regression by ${event.actor}: ${event.why.trim().replace(/\.$/, "")}.`;
  return {
    ...move(state, event, "dismissed", text),
    dismissed_why: event.why,
    dismissals: state.dismissals + 1,
    // What had recovered is over: it does not wait for another recovery.
    dismissal_over_at: isStanding(state) ? null : state.state_changed_at,
  };
}

function reopened(state: IncidentState, event: PeopleEvent, text: string): IncidentState {
  const isUndone = state.state === "dismissed";
  return {
    ...move(state, event, "firing", text),
    dismissals: state.dismissals - (isUndone ? 1 : 0),
  };
}

function unacknowledged(state: IncidentState, event: EventOf<"unacknowledged">): IncidentState {
  const { actor } = event;
  // Snoozed anew meanwhile.
  if (actor === TIME && ms(event.at) < deadlineOf(state)) return state;
  switch (state.state) {
    case "acknowledged": {
      const text =
        actor === TIME ? "The acknowledgement ran out." : `Acknowledgement taken back by ${actor}.`;
      return move(state, event, "firing", text);
    }
    case "snoozed":
      return move(
        state,
        event,
        "firing",
        actor === TIME ? "The snooze ran out." : `Snooze ended by ${actor}.`,
      );
    case "dismissed":
      return reopened(state, event, `Dismissal taken back by ${actor}.`);
    case "firing":
    case "watching":
    case "resolved":
      return state;
  }
}

function minuteUtc(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
