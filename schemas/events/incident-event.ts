/**
 * The incident event: everything that happens to an incident, in the one order of the incidents topic.
 *
 * *Detection* is what the monitor asserts; *incident* is what people handle. The monitor appends `detected` and
 * `recovered`; people and the notifier append the rest. The state of an incident is the fold of its events
 * (`alerts/lifecycle.ts`), so every replica and every restart sees the same one.
 *
 * `gate_bypassed` and `rolled_back` are no detections, and have ids of their own: the registry tells people that
 * somebody overrode the promotion gate, and which version was taken back. The latter changes every open incident that
 * blames the version.
 */
import { z } from "zod";
import { instant } from "./instant.ts";

export const DETECTION_KINDS = [
  "quality",
  "input_drift",
  "output_drift",
  "latency",
  "cost",
  "success",
  "path_mix",
  "coverage",
  "judge_drift",
] as const;

export const VersionEvidence = z.object({
  prompt_version: z.string(),
  units: z.number().int().nonnegative().describe("judged conversations"),
  calls: z.number().int().nonnegative(),
  mean: z.number().describe("in the metric's unit; a share in [0,1] for quality"),
  interval: z.tuple([z.number(), z.number()]),
});

export const SliceEvidence = z.object({
  name: z.string(),
  units: z.number().int(),
  reference: z.number().describe("mean of the incumbent inside the slice"),
  current: z.number().describe("mean of the candidate inside the slice"),
  share_of_traffic: z.number(),
  share_of_drop: z.number(),
});

/** A detection with the numbers that made it, so that anybody can recompute it. */
export const Detection = z.object({
  kind: z.enum(DETECTION_KINDS),
  severity: z.enum(["SEV1", "SEV2", "SEV3"]),
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  metric: z.string().describe("criterion, or the name of the measured quantity"),
  is_guardrail: z.boolean(),
  candidate: VersionEvidence,
  incumbent: VersionEvidence.nullable().describe("null when nothing is compared, as in coverage"),
  effect: z.number().describe("candidate minus incumbent, in the metric's unit"),
  interval: z.tuple([z.number(), z.number()]).describe("of the effect"),
  level: z.number().describe("1 − alpha of the intervals, valid however often anybody looks"),
  method: z.string().describe("name of the procedure that decided"),
  judge: z.string().nullable(),
  rubric_hash: z.string().nullable(),
  window: z.object({ start: z.string(), end: z.string() }).describe("half-open, event time, UTC"),
  version_started_at: instant.nullable().describe("first call of the candidate"),
  slices: z.array(SliceEvidence),
  verdict: z.enum(["DISTRIBUTIONAL", "MIXED", "UNIFORM", "INCONCLUSIVE"]).nullable(),
  evidence: z.record(z.string(), z.unknown()).describe("snapshot id and every number needed to recompute"),
});
export type Detection = z.infer<typeof Detection>;

/** Announcements of before the registry had tenants are the default tenant's. */
const tenant = z.string().default("default").describe("whose use case it is");

const common = {
  incident_id: z
    .string()
    .describe("inc_<16 hex>, derived from the incident's key: the same incident, the same id"),
  at: instant.describe("ISO 8601 UTC"),
  actor: z.string().describe("service or person"),
};

export const IncidentEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("detected"), ...common, detection: Detection }),
  z.object({
    type: z.literal("recovered"),
    ...common,
    how: z.string().describe("rolled back, recovered, fixed by a version"),
    current: VersionEvidence,
  }),
  z.object({ type: z.literal("acknowledged"), ...common }),
  z.object({ type: z.literal("unacknowledged"), ...common }),
  z.object({ type: z.literal("snoozed"), ...common, until: z.string() }),
  z.object({ type: z.literal("dismissed"), ...common, why: z.string() }),
  z.object({
    type: z.literal("delivered"),
    ...common,
    channel: z.string().describe("which notifier, such as inbox or slack"),
    revision: z.number().int().describe("revision of the incident that the message shows"),
    message_ref: z.string().describe("opaque handle by which the notifier edits its message"),
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
  }),
]);
export type IncidentEvent = z.infer<typeof IncidentEvent>;
