/** Bodies of the registry's HTTP requests and answers about fleets and drills. */
import { z } from "zod";
import { DrillReport } from "./registry-drill.ts";
import { ModelEvidence, ModelName } from "./registry-fleet.ts";
import { Env, ExpectedRevision, HistoryMark, RequiredReason } from "./registry-http.ts";

const fleetRevision = ExpectedRevision.optional().describe(
  "of the fleet; default: what the registry sees now",
);

/** `POST /v1/fleets/:env/models` */
export const SwitchModelBody = z
  .object({
    model: ModelName,
    state: z.enum(["off", "on"]).describe("off: applications leave it out, as if its breaker were open"),
    expected_revision: fleetRevision,
    evidence: ModelEvidence.optional().describe("that justifies it; without one a person did"),
    reason: RequiredReason,
  })
  .strict();

/** `POST /v1/fleets/:env/automation` */
export const SetAutomationBody = z
  .object({
    state: z.enum(["paused", "running"]).describe("paused: the policy service changes nothing by itself"),
    expected_revision: fleetRevision,
    reason: RequiredReason,
  })
  .strict();

/** A model that is switched off. */
export const ModelOffView = HistoryMark.extend({
  model: z.string(),
  evidence: ModelEvidence.nullable().describe("null: a person did it, and only a person undoes it"),
});
export type ModelOffView = z.infer<typeof ModelOffView>;

/** One accepted change of a fleet. */
export const FleetChangeView = HistoryMark.extend({
  type: z.enum(["model_switched", "automation_set"]),
  model: z.string().nullable(),
  state: z.enum(["off", "on", "paused", "running"]),
  is_automatic: z.boolean(),
});
export type FleetChangeView = z.infer<typeof FleetChangeView>;

export const FleetView = z.object({
  env: z.string(),
  revision: z.number().int().nonnegative().describe("of the fleet, for its next command"),
  paused: HistoryMark.nullable().describe("who paused automation; null while it runs"),
  models_off: z.array(ModelOffView),
  changes: z.array(FleetChangeView).describe("the newest first"),
});
export type FleetView = z.infer<typeof FleetView>;

/** `GET /v1/fleets`: environments of which nothing was ever said are left out. */
export const FleetsAnswer = z.object({
  tenant: z.string().describe("of the asking key"),
  fleets: z.array(FleetView),
});
export type FleetsAnswer = z.infer<typeof FleetsAnswer>;

/** Answer to a command about a fleet that was accepted. */
export const FleetAccepted = z.object({
  event_id: z.string(),
  offset: z.number().int().nonnegative().describe("place in the history"),
  env: z.string(),
  changed: z.boolean().describe("false: it was so already"),
  revision: z.number().int().nonnegative(),
});
export type FleetAccepted = z.infer<typeof FleetAccepted>;

/** `POST /v1/use-cases/:id/drills` */
export const RecordDrillBody = z
  .object({ env: Env.default("production"), report: DrillReport, reason: z.string().max(2000).default("") })
  .strict();
