/** What is said about all applications of an environment: models that they leave out, automation that is paused. */
import {
  AutomationSetBody,
  ModelSwitchedBody,
  type RegistryEvent,
  type FleetChangeView,
} from "@plumbline/schemas";
import { accept, invalid, reject } from "./outcome.ts";
import { fleetKey, type FleetState, type Mark, type Outcome, type RegistryState } from "./state.ts";

/** Most models of one fleet that are off; a fleet that leaves out so many is not helped by one more. */
const MODELS_OFF_MAX = 50;
/** Changes kept for who asks what happened. */
const CHANGES_MAX = 200;

/** The fleet of an environment; empty while nothing was said about it. */
export function fleetOf(state: RegistryState, tenant: string, env: string): FleetState {
  return (
    state.fleets.get(fleetKey(tenant, env)) ?? {
      tenant,
      env,
      revision: 0,
      live_revision: 0,
      paused: null,
      models_off: [],
      changes: [],
    }
  );
}

/** Takes a model out of the fleet, or back in. */
export function switchModel(state: RegistryState, tenant: string, event: RegistryEvent, mark: Mark): Outcome {
  const body = ModelSwitchedBody.safeParse(event.body);
  if (!body.success || event.env === "") return invalid(event);
  const { model, is_off: isOff, evidence } = body.data;
  const fleet = fleetOf(state, tenant, event.env);
  const off = fleet.models_off.find((each) => each.model === model);
  if ((off !== undefined) === isOff) return accept(fleet.revision, false);
  if (event.expected_revision !== fleet.revision) return staleFleet(fleet, event);
  const isAutomatic = evidence !== null;
  if (isAutomatic && fleet.paused !== null) return automationPaused(fleet);
  if (isAutomatic && off !== undefined && off.evidence === null) {
    return reject(
      "switched_by_person",
      `${off.actor} switched ${model} off (${off.reason}), and only a person switches it on again: plumbline policy on ${model}`,
    );
  }
  if (isOff && fleet.models_off.length >= MODELS_OFF_MAX) {
    return reject(
      "too_many_models",
      `${MODELS_OFF_MAX} models of ${event.env} are off. Switch one on before: plumbline policy status`,
    );
  }
  if (isOff) fleet.models_off.push({ ...mark, model, evidence });
  else fleet.models_off.splice(fleet.models_off.indexOf(off!), 1);
  fleet.live_revision = mark.offset + 1;
  const change = { type: "model_switched", model, state: isOff ? "off" : "on" } as const;
  return changed(state, fleet, { ...mark, ...change, is_automatic: isAutomatic });
}

/** Pauses what the policy service does by itself, or lets it go on. */
export function setAutomation(
  state: RegistryState,
  tenant: string,
  event: RegistryEvent,
  mark: Mark,
): Outcome {
  const body = AutomationSetBody.safeParse(event.body);
  if (!body.success || event.env === "") return invalid(event);
  const { is_paused: isPaused } = body.data;
  const fleet = fleetOf(state, tenant, event.env);
  if ((fleet.paused !== null) === isPaused) return accept(fleet.revision, false);
  if (event.expected_revision !== fleet.revision) return staleFleet(fleet, event);
  fleet.paused = isPaused ? mark : null;
  const change = { type: "automation_set", model: null, state: isPaused ? "paused" : "running" } as const;
  return changed(state, fleet, { ...mark, ...change, is_automatic: false });
}

/** The refusal of what no person asked for, while a person has paused it; null when nothing stands in the way. */
export function automationRefusal(
  state: RegistryState,
  tenant: string,
  event: RegistryEvent,
): Outcome | null {
  if (!MAY_BE_AUTOMATIC.has(event.type)) return null;
  const { decision = null, incident = null } = event.body;
  if (decision === null && incident === null) return null;
  const fleet = fleetOf(state, tenant, event.env);
  return fleet.paused === null ? null : automationPaused(fleet);
}

const MAY_BE_AUTOMATIC: ReadonlySet<RegistryEvent["type"]> = new Set(["rolled_back", "rollout_advanced"]);

function changed(
  state: RegistryState,
  fleet: FleetState,
  change: Mark & Omit<FleetChangeView, keyof Mark>,
): Outcome {
  fleet.revision += 1;
  fleet.changes.push(change);
  if (fleet.changes.length > CHANGES_MAX) fleet.changes.shift();
  state.fleets.set(fleetKey(fleet.tenant, fleet.env), fleet);
  return accept(fleet.revision);
}

function automationPaused({ env, paused }: FleetState): Outcome {
  return reject(
    "automation_paused",
    `Automation in ${env} is paused by ${paused!.actor} (${paused!.reason}). Resume it: plumbline policy resume --env ${env}`,
  );
}

function staleFleet({ revision, changes }: FleetState, event: RegistryEvent): Outcome {
  const last = changes.at(-1);
  const by = last === undefined ? "" : `, changed last by ${last.actor}`;
  return reject(
    "stale_revision",
    `The fleet of ${event.env} is at revision ${revision}${by}, you saw ${event.expected_revision}. Look at plumbline policy status, then decide again.`,
  );
}
