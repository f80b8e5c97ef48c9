/**
 * One place where people's commands about incidents are carried out, whichever door they came through: HTTP, a page,
 * Slack. Who may do what is said here once.
 */
import { type IncidentState, rollbackTarget, type RollbackTarget } from "@plumbline/alerts";
import { HttpProblem } from "@plumbline/runtime/http";
import type { IncidentCommandName, Scope } from "@plumbline/schemas";
import type { Answered, IncidentBoard, PersonsWord } from "./incident-board.ts";

/** What each command needs. */
export const SCOPE_OF: Readonly<Record<IncidentCommandName, Scope>> = {
  acknowledge: "respond",
  snooze: "respond",
  dismiss: "respond",
  reopen: "respond",
  note: "respond",
  rollback: "deploy",
};

/** Who commands, through which door. */
export interface Sender {
  readonly actor: string;
  /** Null: of every tenant. */
  readonly tenant: string | null;
  readonly key: string | null;
  readonly via: string;
}

/** A command to the registry: what is live changes, or it throws. */
export interface RollbackOrder {
  readonly tenant: string;
  readonly use_case: string;
  readonly env: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly key: string | null;
}

interface RollbackWish {
  readonly expected_revision: number | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
}

interface DeskDeps {
  readonly board: IncidentBoard;
  /** @throws HttpProblem when the registry refuses it */
  readonly rollBack: (order: RollbackOrder) => Promise<void>;
}

export interface Done {
  readonly state: IncidentState;
  /** False: the same command had been given already. */
  readonly changed: boolean;
}

export class IncidentDesk {
  readonly #deps: DeskDeps;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  /** @throws HttpProblem 404 when there is no such incident, 409 when the command means nothing any more */
  async say(
    incident_id: string,
    word: PersonsWord,
    expected_revision: number | null,
    { actor, tenant, key, via }: Sender,
  ): Promise<Done> {
    const { board } = this.#deps;
    const answer = await board.give({ incident_id, word, expected_revision, actor, tenant, key, via });
    if (answer.kind === "done") return answer;
    if (answer.kind === "unknown") throw unknown(incident_id);
    throw conflict(answer);
  }

  /** Takes back the version that the incident blames. @throws HttpProblem as `say`, or what the registry refuses */
  async rollBack(incident_id: string, wish: RollbackWish, { actor, tenant, key }: Sender): Promise<Done> {
    const state = await this.#deps.board.find(incident_id, tenant);
    if (state === null) throw unknown(incident_id);
    const { detection } = state;
    const target = rollbackTarget(state);
    if (target === null) throw nothingToRollBack(state);
    if (wish.expected_revision !== null && wish.expected_revision !== state.state_revision)
      throw problem("incident-changed", `The alert is ${state.state} now. Look at it again, then decide.`);
    const said = wish.reason.trim();
    await this.#deps.rollBack({
      tenant: detection.tenant,
      use_case: detection.use_case,
      env: detection.env,
      ...versionsOf(target, wish),
      reason: said === "" ? incident_id : `${said} (${incident_id})`,
      actor,
      key,
    });
    return { state: (await this.#deps.board.find(incident_id, tenant)) ?? state, changed: true };
  }
}

function versionsOf({ from, to }: RollbackTarget, wish: RollbackWish): Pick<RollbackOrder, "from" | "to"> {
  return { from: wish.from ?? from.prompt_version, to: wish.to ?? to.prompt_version };
}

export function unknown(incidentId: string): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:incident-unknown",
    title: "Not found",
    status: 404,
    detail: `There is no alert ${incidentId}. plumbline incidents list shows them.`,
  });
}

function nothingToRollBack({ incident_id, rolled_back, detection }: IncidentState): HttpProblem {
  const { use_case } = detection;
  const why =
    rolled_back === null
      ? `no version is to blame for it, or the registry does not know both versions. plumbline status ${use_case} shows what is live`
      : `v${rolled_back.number} was taken back by ${rolled_back.actor}`;
  return problem("nothing-to-roll-back", `There is nothing to roll back for ${incident_id}: ${why}.`);
}

function conflict({ kind, why }: Exclude<Answered, { kind: "done" | "unknown" }>): HttpProblem {
  return problem(kind === "stale" ? "incident-changed" : "no-effect", why);
}

function problem(kind: string, detail: string): HttpProblem {
  return new HttpProblem({ type: `urn:plumbline:${kind}`, title: "Refused", status: 409, detail });
}
