/**
 * The incident event: everything that happens to an incident, in the one order of the incidents topic.
 *
 * *Detection* is what the monitor asserts; *incident* is what people handle. The monitor appends `detected` and
 * `recovered`; people and the notifier append the rest. The state of an incident is the fold of its events
 * (`alerts/incident/lifecycle.ts`), so every replica and every restart sees the same one.
 *
 * `acknowledged`, `snoozed`, `dismissed`, `reopened` and `noted` are commands of people: a record says who gave it, and in
 * which state. One that comes after the state changed does nothing.
 *
 * `gate_bypassed` and `rolled_back` are no detections, and have ids of their own: the registry tells people that
 * somebody overrode the promotion gate, and which version was taken back. The latter changes every open incident that
 * blames the version.
 *
 * `policy_noted` says why the policy service took nothing back by itself. What it did take back is `rolled_back`.
 */
import { z } from "zod";
import { Detection } from "./index.ts";
import { RecoveryEvidence, RollbackIncident } from "./parts.ts";
import { upgradeIncidentEvent } from "./upgrade.ts";
import { instant } from "../instant.ts";

/**
 * rollback: the version before serves again. new_version: another one does, or in judge_drift another judge judges.
 * by_itself: what was wrong passed while nothing was deployed. gap_closed: what was unknown is known again.
 */
const RECOVERY_CAUSES = ["rollback", "new_version", "by_itself", "gap_closed"] as const;
export type RecoveryCause = (typeof RECOVERY_CAUSES)[number];

/** Announcements of before the registry had tenants are the default tenant's. */
const tenant = z.string().default("default").describe("whose use case it is");

const common = {
  incident_id: z
    .string()
    .describe("inc_<16 hex>, derived from the incident's key: the same incident, the same id"),
  at: instant.describe("ISO 8601 UTC"),
  actor: z.string().describe("service or person"),
};

/** What a person's command carries; events of before it had none. */
const command = z
  .object({
    key: z.string().min(1).max(100).describe("idempotency key: the same one is the same command"),
    expected_revision: z
      .number()
      .int()
      .positive()
      .describe("state_revision of the incident in which it was given"),
    via: z.string().max(40).describe("where it was given: http, inbox or slack"),
  })
  .optional();

const AnyIncidentEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("detected"), ...common, detection: Detection }),
  z.object({
    type: z.literal("recovered"),
    ...common,
    cause: z.enum(RECOVERY_CAUSES),
    current: RecoveryEvidence.describe("the version that serves, or the judge that judges"),
  }),
  z.object({ type: z.literal("acknowledged"), ...common, command }),
  z.object({ type: z.literal("unacknowledged"), ...common }).describe("it ran out"),
  z.object({ type: z.literal("snoozed"), ...common, command, until: z.string() }),
  z.object({ type: z.literal("dismissed"), ...common, command, why: z.string() }),
  z
    .object({ type: z.literal("reopened"), ...common, command })
    .describe("takes back an acknowledgement, a snooze, a dismissal or a resolve"),
  z.object({ type: z.literal("noted"), ...common, command, text: z.string() }),
  z.object({
    type: z.literal("delivered"),
    ...common,
    channel: z.string().describe("which notifier, such as inbox or slack"),
    revision: z.number().int().describe("revision of the incident that the message shows"),
    message_ref: z.string().describe("opaque handle by which the notifier edits its message"),
  }),
  z.object({
    type: z.literal("policy_noted"),
    ...common,
    did: z
      .enum(["would_roll_back", "holds"])
      .describe("would_roll_back: it only tries itself out; holds: something stands in the way"),
    why: z.string().max(2_000).describe("a sentence"),
  }),
  z.object({
    type: z.literal("gate_bypassed"),
    ...common,
    tenant,
    env: z.string(),
    use_case: z.string(),
    prompt_version: z.string(),
    number: z.number().int().positive().describe("per use case: v<number>"),
    overridden: z
      .array(z.object({ code: z.string(), message: z.string() }))
      .describe("every refusal of the gate that did not count"),
    reason: z.string().describe("the actor's own words"),
  }),
  z.object({
    type: z.literal("rolled_back"),
    ...common,
    tenant,
    env: z.string(),
    use_case: z.string(),
    prompt_version: z.string().describe("what was taken back"),
    number: z.number().int().positive().describe("of it, per use case: v<number>"),
    to: z.string().describe("version that serves everybody again"),
    to_number: z.number().int().positive(),
    reason: z.string().describe("the actor's own words; may be empty"),
    because_of: RollbackIncident.nullable()
      .default(null)
      .describe("incident that justified it by itself; null where a person, or a rollout, did"),
  }),
]);

/** Reads events of older shapes as today's. */
export const IncidentEvent = z.preprocess(upgradeIncidentEvent, AnyIncidentEvent);
export type IncidentEvent = z.infer<typeof IncidentEvent>;
