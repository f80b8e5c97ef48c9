/**
 * Incidents as the registry shows them, and the commands that people give about them. A command is a record of the
 * incidents topic; what it did is read back from there, the same in every replica.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  encodeIncidentEvent,
  foldIncident,
  IncidentFold,
  INCIDENTS,
  isOpen,
  type IncidentState,
  type PeopleEvent,
} from "@plumbline/alerts";
import { type Clock, type EventLog, oneReadAtATime } from "@plumbline/ports";

/** What is done, without who and when. */
export type PersonsWord =
  | { readonly type: "acknowledged" }
  | { readonly type: "snoozed"; readonly for_minutes: number }
  | { readonly type: "dismissed"; readonly why: string }
  | { readonly type: "reopened" }
  | { readonly type: "noted"; readonly text: string };

interface Given {
  readonly incident_id: string;
  /** Whose incidents the sender sees; null: everybody's. */
  readonly tenant: string | null;
  readonly word: PersonsWord;
  /** `state_revision` that the sender saw; null: whatever it is now. */
  readonly expected_revision: number | null;
  /** The sender's own; the same key of the same actor is one command. Null: a new command. */
  readonly key: string | null;
  readonly actor: string;
  readonly via: string;
}

export type Answered =
  | { readonly kind: "done"; readonly changed: boolean; readonly state: IncidentState }
  | { readonly kind: "stale" | "no_effect"; readonly state: IncidentState; readonly why: string }
  | { readonly kind: "unknown" };

interface BoardDeps {
  readonly log: Pick<EventLog, "append" | "read" | "watermarks">;
  readonly clock: Clock;
}

/** Every method reads the topic to its end first. @throws LogError from each, while the log is away */
export class IncidentBoard {
  readonly #deps: BoardDeps;
  readonly #fold: IncidentFold;
  readonly #refresh: () => Promise<void>;

  constructor(deps: BoardDeps) {
    this.#deps = deps;
    this.#fold = new IncidentFold(deps.log);
    this.#refresh = oneReadAtATime(() => this.#fold.refresh());
  }

  /** Open ones first; within, the newest change first. @param tenant null: of everybody */
  async list(tenant: string | null): Promise<readonly IncidentState[]> {
    await this.#refresh();
    return [...this.#fold.states.values()]
      .filter((state) => isOf(tenant, state))
      .toSorted(
        (a, b) =>
          Number(isOpen(b)) - Number(isOpen(a)) || Date.parse(b.updated_at) - Date.parse(a.updated_at),
      );
  }

  /** Null when the tenant has no such incident. */
  async find(incidentId: string, tenant: string | null): Promise<IncidentState | null> {
    await this.#refresh();
    const state = this.#fold.get(incidentId);
    return state !== undefined && isOf(tenant, state) ? state : null;
  }

  /** What can't do anything is not appended; what another command overtook is, and did nothing. */
  async give(given: Given): Promise<Answered> {
    const { incident_id, tenant } = given;
    const before = await this.find(incident_id, tenant);
    if (before === null) return { kind: "unknown" };
    const key = keyOf(given);
    const known = outcomeOf(before, key);
    if (known !== null)
      return known === "done"
        ? { kind: "done", changed: false, state: before }
        : refused(known, before, given);
    const event = eventOf(given, key, before, this.#deps.clock.now());
    const foreseen = outcomeOf(foldIncident(before, event), key);
    if (foreseen !== "done") return refused(foreseen ?? "no_effect", before, given);
    const owner = before.detection.tenant;
    await this.#deps.log.append(INCIDENTS, [
      { ...encodeIncidentEvent(event), ...(owner === "" ? {} : { headers: { tenant: owner } }) },
    ]);
    await this.#refresh();
    const after = this.#fold.get(incident_id)!;
    const outcome = outcomeOf(after, key);
    if (outcome === "done") return { kind: "done", changed: true, state: after };
    return refused(outcome ?? "no_effect", after, given);
  }
}

function isOf(tenant: string | null, { detection }: IncidentState): boolean {
  return tenant === null || detection.tenant === tenant;
}

function keyOf({ key, actor, incident_id }: Given): string {
  if (key === null) return randomUUID();
  const sender = JSON.stringify([actor, incident_id, key]);
  return `key_${createHash("sha256").update(sender).digest("hex").slice(0, 32)}`;
}

function outcomeOf(
  { commands }: IncidentState,
  key: string,
): IncidentState["commands"][number]["outcome"] | null {
  return commands.find((each) => each.key === key)?.outcome ?? null;
}

function eventOf(
  { incident_id, word, actor, via, expected_revision }: Given,
  key: string,
  { state_revision }: IncidentState,
  now: number,
): PeopleEvent {
  const common = {
    incident_id,
    at: new Date(now).toISOString(),
    actor,
    command: { key, expected_revision: expected_revision ?? state_revision, via },
  };
  if (word.type !== "snoozed") return { ...word, ...common };
  return { type: word.type, until: new Date(now + word.for_minutes * 60_000).toISOString(), ...common };
}

/** What somebody wanted to do, by the event. */
const WANTED: Readonly<Record<PersonsWord["type"], string>> = {
  acknowledged: "acknowledge",
  snoozed: "snooze",
  dismissed: "dismiss",
  reopened: "reopen",
  noted: "note",
};

function refused(kind: "stale" | "no_effect", state: IncidentState, { word }: Given): Answered {
  const { state: name, state_changed_by: by, severity } = state;
  const stands = name === "firing" ? `firing as ${severity}` : `${name} (${by})`;
  const why =
    kind === "stale"
      ? `The alert changed since you saw it: it is ${stands} now. Look at it again, then decide.`
      : `The alert is ${stands}: there is nothing to ${WANTED[word.type]}.`;
  return { kind, state, why };
}
