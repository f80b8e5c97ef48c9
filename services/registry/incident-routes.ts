/** Incidents over HTTP: what they are, and what people do about them. */
import { commandsOf, type IncidentState, precisionOf, renderMessage } from "@plumbline/alerts";
import type { Principal, Request, Response, Route } from "@plumbline/runtime/http";
import {
  AcknowledgeBody,
  DismissBody,
  type IncidentCommandAnswer,
  type IncidentCommandName,
  type IncidentsAnswer,
  type IncidentView,
  NoteBody,
  ReopenBody,
  RollBackIncidentBody,
  SnoozeBody,
} from "@plumbline/schemas";
import type { Submit } from "./commands.ts";
import type { IncidentBoard } from "./incidents/incident-board.ts";
import {
  type Done,
  type IncidentDesk,
  type RollbackOrder,
  SCOPE_OF,
  type Sender,
  unknown,
} from "./incidents/incident-desk.ts";
import { readIdempotencyKey, readJson, queryOf } from "./read-request.ts";
import { submitOrExplain, toProblem } from "./write-routes.ts";

/** Incidents in one answer. */
const LISTED_MAX = 200;

interface IncidentRouteDeps {
  readonly board: IncidentBoard;
  readonly desk: IncidentDesk;
}

type Carry = (id: string, request: Request, owner: string, sender: Sender) => Promise<Done>;

/** @param via which door they are: the registry's own, or a page's */
export function incidentRoutes({ board, desk }: IncidentRouteDeps, via: "http" | "inbox"): readonly Route[] {
  const commands: Readonly<Record<IncidentCommandName, Carry>> = {
    acknowledge: async (id, request, owner, sender) => {
      const body = await readJson(request, owner, AcknowledgeBody);
      return desk.say(id, { type: "acknowledged" }, body.expected_revision ?? null, sender);
    },
    snooze: async (id, request, owner, sender) => {
      const { for_minutes, expected_revision } = await readJson(request, owner, SnoozeBody);
      return desk.say(id, { type: "snoozed", for_minutes }, expected_revision ?? null, sender);
    },
    dismiss: async (id, request, owner, sender) => {
      const { why, expected_revision } = await readJson(request, owner, DismissBody);
      return desk.say(id, { type: "dismissed", why }, expected_revision ?? null, sender);
    },
    reopen: async (id, request, owner, sender) => {
      const body = await readJson(request, owner, ReopenBody);
      return desk.say(id, { type: "reopened" }, body.expected_revision ?? null, sender);
    },
    note: async (id, request, owner, sender) => {
      const { text } = await readJson(request, owner, NoteBody);
      return desk.say(id, { type: "noted", text }, null, sender);
    },
    rollback: async (id, request, owner, sender) => {
      const { from, to, expected_revision, reason } = await readJson(request, owner, RollBackIncidentBody);
      const wish = {
        from: from ?? null,
        to: to ?? null,
        expected_revision: expected_revision ?? null,
        reason,
      };
      return desk.rollBack(id, wish, sender);
    },
  };
  return [
    {
      method: "GET",
      path: "/v1/incidents",
      access: "read",
      async handle(request, response, sender) {
        const states = await board.list(tenantOf(sender));
        const useCase = queryOf(request, "use_case");
        const own = states.filter(({ detection }) => useCase === null || detection.use_case === useCase);
        const answer: IncidentsAnswer = {
          incidents: own.slice(0, LISTED_MAX).map(viewOf),
          rules: [...precisionOf(own)],
        };
        response.setHeader("cache-control", "no-cache").json(answer);
      },
    },
    {
      method: "GET",
      path: "/v1/incidents/:incident_id",
      access: "read",
      async handle(request, response, sender) {
        const id = idOf(request);
        const state = await board.find(id, tenantOf(sender));
        if (state === null) throw unknown(id);
        response.setHeader("cache-control", "no-cache").json(viewOf(state));
      },
    },
    ...(Object.keys(commands) as IncidentCommandName[]).map((command) => ({
      method: "POST" as const,
      path: `/v1/incidents/:incident_id/${command}`,
      access: SCOPE_OF[command],
      async handle(request: Request, response: Response, principal: Principal) {
        const id = idOf(request);
        const { name: actor } = principal;
        const sender = { actor, tenant: tenantOf(principal), key: readIdempotencyKey(request), via };
        Object.assign(response.locals, { command, incident_id: id, actor, via });
        const { state, changed } = await commands[command](id, request, principal.tenant, sender);
        response.json({ incident: viewOf(state), changed } satisfies IncidentCommandAnswer);
      },
    })),
  ];
}

/** Rollbacks as commands of the registry. */
export function rollBackBy(
  submit: Submit,
  ready: () => Promise<void>,
): (order: RollbackOrder) => Promise<void> {
  return async ({ tenant, use_case, env, from, to, reason, actor, key }) => {
    await ready();
    const command = {
      type: "rolled_back" as const,
      use_case,
      env,
      prompt_version: from,
      actor,
      reason,
      body: { from, to, decision: null },
      expected_revision: null,
    };
    // Incidents of before tenants are the default tenant's.
    const { outcome } = await submitOrExplain(submit, command, tenant === "" ? "default" : tenant, key);
    if (outcome.kind === "rejected") throw toProblem(outcome, { revision: null, isHeader: false });
  };
}

/** An operator sees everybody's. */
function tenantOf({ isOperator, tenant }: Principal): string | null {
  return isOperator ? null : tenant;
}

function idOf(request: Request): string {
  return String(request.params["incident_id"]).slice(0, 100);
}

function slicesOf({ verdict, slices }: IncidentState["detection"]): string[] {
  const isConcentrated = verdict === "DISTRIBUTIONAL" || verdict === "MIXED";
  return isConcentrated ? slices.map(({ name }) => name) : [];
}

function viewOf(state: IncidentState): IncidentView {
  const { detection, history, ...rest } = state;
  const { tenant, env, use_case, kind, metric, candidate, incumbent } = detection;
  const side = ({
    prompt_version,
    number = null,
  }: {
    prompt_version: string;
    number?: number | null | undefined;
  }) => ({
    prompt_version,
    number,
  });
  return {
    incident_id: rest.incident_id,
    tenant,
    env,
    use_case,
    kind,
    metric: metric.name,
    severity: rest.severity,
    state: rest.state,
    summary: renderMessage(state, { runbooks_url: null, console_url: null }).preview,
    revision: rest.revision,
    state_revision: rest.state_revision,
    episode: rest.episode,
    opened_at: rest.opened_at,
    state_changed_at: rest.state_changed_at,
    state_changed_by: rest.state_changed_by,
    snoozed_until: rest.snoozed_until,
    candidate: side(candidate),
    incumbent: incumbent === null ? null : side(incumbent),
    slices: slicesOf(detection),
    commands: [...commandsOf(state)],
    history: history.map(({ at, actor, text }) => ({ at, actor, text })),
  };
}
