/** What is said about a whole fleet, over HTTP: which models it leaves out, and whether automation acts. */
import type { FleetState, Mark, RegistryState } from "@plumbline/registry-fold/state";
import type { Request, Route } from "@plumbline/runtime/http";
import {
  type FleetAccepted,
  type FleetsAnswer,
  type FleetView,
  type HistoryMark,
  SetAutomationBody,
  SwitchModelBody,
} from "@plumbline/schemas";
import type { Command, Submit } from "./commands.ts";
import { badRequest, ENV, readExpectation, readIdempotencyKey, readJson } from "./read-request.ts";
import { submitOrExplain, toProblem } from "./write-routes.ts";

interface FleetDeps {
  readonly state: RegistryState;
  readonly submit: Submit;
  /** Resolves when the state may be asked. */
  readonly ready: () => Promise<void>;
}

/** A command without what the request says beside its body. */
type Draft = Pick<Command, "type" | "body" | "reason"> & {
  readonly expected_revision: number | undefined;
};

export function fleetRoutes({ state, submit, ready }: FleetDeps): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/fleets",
      access: "read",
      async handle(_request, response, { tenant }) {
        await ready();
        const fleets = [...state.fleets.values()].filter((fleet) => fleet.tenant === tenant).map(viewOf);
        response.setHeader("cache-control", "no-cache");
        response.json({ tenant, fleets } satisfies FleetsAnswer);
      },
    },
    commandRoute("models", async (request, tenant) => {
      const body = await readJson(request, tenant, SwitchModelBody);
      return {
        type: "model_switched",
        body: { model: body.model, is_off: body.state === "off", evidence: body.evidence ?? null },
        reason: body.reason,
        expected_revision: body.expected_revision,
      };
    }),
    commandRoute("automation", async (request, tenant) => {
      const body = await readJson(request, tenant, SetAutomationBody);
      return {
        type: "automation_set",
        body: { is_paused: body.state === "paused" },
        reason: body.reason,
        expected_revision: body.expected_revision,
      };
    }),
  ];

  function commandRoute(path: string, draft: (request: Request, tenant: string) => Promise<Draft>): Route {
    return {
      method: "POST",
      path: `/v1/fleets/:env/${path}`,
      access: "deploy",
      async handle(request, response, { name: actor, tenant }) {
        const env = readEnv(request);
        const key = readIdempotencyKey(request);
        await ready();
        const { expected_revision, ...drafted } = await draft(request, tenant);
        const expectation = readExpectation(request, expected_revision);
        const command = { ...drafted, use_case: "", env, prompt_version: null, actor };
        const { event_id, offset, outcome } = await submitOrExplain(
          submit,
          { ...command, expected_revision: expectation.revision },
          tenant,
          key,
        );
        Object.assign(response.locals, {
          command: drafted.type,
          env,
          actor,
          tenant,
          log_offset: offset,
          outcome: outcome.kind === "accepted" ? "accepted" : outcome.code,
        });
        if (outcome.kind === "rejected") throw toProblem(outcome, expectation);
        const { changed, revision } = outcome;
        response.json({ event_id, offset, env, changed, revision: revision ?? 0 } satisfies FleetAccepted);
      },
    };
  }
}

function readEnv(request: Request): string {
  const env = String(request.params["env"]);
  if (ENV.test(env)) return env;
  throw badRequest("The env must be lower-case letters, digits and dashes, such as production.", "env");
}

function viewOf({ env, revision, paused, models_off, changes }: FleetState): FleetView {
  return {
    env,
    revision,
    paused: paused === null ? null : dated(paused),
    models_off: models_off.map((off) => ({ ...dated(off), model: off.model, evidence: off.evidence })),
    changes: changes.toReversed().map((change) => {
      const { type, model, state, is_automatic } = change;
      return { ...dated(change), type, model, state, is_automatic };
    }),
  };
}

/** Times on the wire are ISO 8601. */
function dated({ offset, at, actor, reason }: Mark): HistoryMark {
  return { offset, at: new Date(at).toISOString(), actor, reason };
}
