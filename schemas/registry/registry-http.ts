/** Bodies of the registry's HTTP requests and answers. Versions are named by hash, `use-case@<12 hex>` or `v15`. */
import { z } from "zod";
import { CanaryDecision } from "./registry-canary.ts";
import { GateLimits } from "../files/config.ts";
import { UseCase } from "../files/prompt.ts";
import { AlertLabels, RollbackIncident } from "../events/detection/parts.ts";
import { TimeZone } from "../time-zone.ts";

/** Bytes of a request: a command is one record of the log, with room for what the registry adds. */
export const REGISTRY_BODY_BYTES_MAX = 900_000;
/** Longest `wait` of `GET /v1/live`, seconds. */
export const LIVE_WAIT_SECONDS_MAX = 30;
/** Most use cases of one `GET /v1/live`. */
export const LIVE_USE_CASES_MAX = 200;

/** `sha256:` and 64 hex digits. */
export const ContentHash = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hex digits");

/** The canonical prompt: everything that changes what is sent to the model. Its hash is the prompt version. */
export const PromptDocumentBody = z
  .object({
    use_case: UseCase,
    model: z.string().min(1),
    config: z.record(z.string(), z.json()),
    messages: z
      .array(
        z.union([
          z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() }).strict(),
          z.object({ role: z.literal("history") }).strict(),
        ]),
      )
      .min(1)
      .max(200),
    defaults: z.record(z.string(), z.json()).exactOptional(),
    output: z
      .object({ format: z.literal("json"), schema: z.json().exactOptional() })
      .strict()
      .exactOptional(),
  })
  .strict();
export type PromptDocumentBody = z.infer<typeof PromptDocumentBody>;

/** The limits of the config file, also in their parsed spelling: what is stored is read again. */
const RegisteredLimits = z.preprocess((value) => {
  if (typeof value !== "object" || value === null || !("max_record_age_ms" in value)) return value;
  const { max_record_age_ms, ...rest } = value;
  return { ...rest, max_record_age: max_record_age_ms };
}, GateLimits);

/** What a use case is judged by. The newest registered settings are the current ones. */
export const UseCaseSettings = z.object({
  owner: z.string().max(200).nullable().default(null),
  eval_set: z
    .object({
      hash: ContentHash,
      cases: z.number().int().nonnegative(),
      owner: z.string().nullable().default(null).describe("who keeps the cases honest"),
      cadence_ms: z
        .number()
        .int()
        .positive()
        .nullable()
        .default(null)
        .describe("new cases at least this often"),
      newest_added: z.string().nullable().default(null).describe("day the newest case was added, YYYY-MM-DD"),
    })
    .nullable()
    .default(null),
  rubrics: z.record(z.string(), ContentHash).default({}).describe("hash of each rubric, by name"),
  gate: RegisteredLimits.default({}).describe(
    "limits that differ from the defaults, as the config file or as parsed",
  ),
  alerts: AlertLabels.exactOptional().describe("words of its alerts"),
  // What was stored is read as it is: replicas need not know the same zones.
  time_zone: z.string().max(64).exactOptional().describe("by whose clock hours of the week are usual"),
});
export type UseCaseSettings = z.infer<typeof UseCaseSettings>;

/** Most cases of one eval record, a side. */
export const EVAL_CASES_MAX = 10_000;
/** Most bytes of a request that records an eval: both sides of the most cases, with ids and slices of usual length. */
export const EVAL_BODY_BYTES_MAX = 16_777_216;

/** What became of one case on one side. */
export const EvalCaseResult = z.object({
  case_id: z.string().min(1).max(200),
  score: z.number().min(0).max(1).nullable().describe("mean over repeats; null: could not be scored"),
  passes: z.boolean(),
  slices: z.array(z.string().max(200)).max(50).default([]),
  cost_usd: z.number().nonnegative().nullable().default(null),
  latency_ms: z.number().nonnegative().nullable().default(null),
});

const EvalResults = z.object({
  prompt_version: ContentHash,
  cases: z.array(EvalCaseResult).max(EVAL_CASES_MAX),
});

/** What an eval run left behind; more keys about the run are kept with it. */
export const EvalRecord = z
  .object({
    candidate: EvalResults,
    incumbent: EvalResults.nullable().describe("null when nothing is live"),
    eval_set_hash: ContentHash,
    rubric_hashes: z.record(z.string(), ContentHash),
    finished_at: z.iso.datetime({ offset: true }),
  })
  .loose();
export type EvalRecord = z.infer<typeof EvalRecord>;

/** What the gate decided when the record arrived. It is stored, so that a later rule does not rewrite the past. */
export const GateOutcome = z
  .object({
    passed: z.boolean(),
    failures: z
      .array(z.object({ code: z.string(), message: z.string() }))
      .describe("every limit that was not met, and what to do"),
  })
  .loose();
export type GateOutcome = z.infer<typeof GateOutcome>;

export const Env = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "must be lower-case letters, digits and dashes");
const env = Env.default("production");
const versionReference = z
  .string()
  .min(2)
  .max(200)
  .describe("sha256:<64 hex>, <use case>@<12 hex> or v<number>");
const reason = z.string().max(2000).default("");
export const RequiredReason = z.string().max(2000).regex(/\S/, "say why; it is kept in the history");
export const ExpectedRevision = z.number().int().nonnegative();
const person = z.string().trim().min(1).max(200);

/** Most steps of a rollout. */
const RAMP_STEPS_MAX = 10;
/** Shares of conversations, one after the other, until everybody is served. */
export const Ramp = z
  .array(z.number().gt(0).max(1))
  .min(2)
  .max(RAMP_STEPS_MAX)
  .refine(
    (steps) => steps.at(-1) === 1 && steps.every((step, i) => i === 0 || step > steps[i - 1]!),
    "must rise from step to step and end with 1, such as [0.05, 0.25, 1]",
  );
export type Ramp = z.infer<typeof Ramp>;

export const RegisterVersionBody = z
  .object({
    prompt_version: ContentHash.describe("hash of `document`; another one is refused"),
    document: PromptDocumentBody,
    author: person.optional().describe("who wrote it, such as the commit's author; default: the actor"),
    commit: z.string().max(100).nullable().default(null),
    settings: UseCaseSettings.extend({ time_zone: TimeZone.exactOptional() }).optional(),
    reason,
  })
  .strict();
export const RecordEvalBody = z
  .object({ env: env.describe("whose live version is the incumbent"), record: EvalRecord, reason })
  .strict();
export const ApproveBody = z.object({ prompt_version: versionReference, reason }).strict();
export const PromoteBody = z
  .object({
    env,
    prompt_version: versionReference,
    weight: z.number().gt(0).max(1).optional().describe("share of conversations; default 1"),
    ramp: Ramp.optional().describe(
      "begins a rollout instead: the first share at once, each next when cleared",
    ),
    expected_revision: ExpectedRevision.optional().describe("or If-Match; one of them is needed"),
    bypass: z.object({ reason: RequiredReason }).strict().optional().describe("overrides the gate, visibly"),
    reason,
  })
  .strict()
  .refine(({ weight, ramp }) => weight === undefined || ramp === undefined, {
    path: ["ramp"],
    message: "send weight or ramp, not both: the first step is the weight",
  });
/** Takes a rollout to its next step. */
export const AdvanceBody = z
  .object({
    env,
    prompt_version: versionReference.describe("the rollout's; another one is refused"),
    step: z.number().int().positive().describe("index in `steps` to go to: the rollout's `step` plus 1"),
    expected_revision: ExpectedRevision.optional().describe("or If-Match; one of them is needed"),
    decision: CanaryDecision.optional().describe("that justifies it; without one the reason is needed"),
    reason,
  })
  .strict();
export const RollbackBody = z
  .object({
    env,
    from: versionReference.optional().describe("the bad version; default: the canary, else what is live"),
    to: versionReference.optional().describe("default: the last good version before it"),
    expected_revision: ExpectedRevision.optional().describe("default: what the registry sees now"),
    decision: CanaryDecision.optional().describe("of a rollout, that justifies it"),
    incident: RollbackIncident.optional().describe("that justifies it; with neither, a person did"),
    reason: RequiredReason,
  })
  .strict();
export const QuarantineBody = z.object({ prompt_version: versionReference, reason: RequiredReason }).strict();
export const SetPolicyBody = z
  .object({
    env,
    policy_hash: ContentHash,
    policy: z.record(z.string(), z.json()).describe("a parsed policy file"),
    expected_revision: ExpectedRevision.optional().describe("or If-Match; one of them is needed"),
    reason,
  })
  .strict();

export const LiveArm = z.object({
  prompt_version: ContentHash,
  number: z.number().int().positive(),
  weight: z.number().describe("share of conversations; the weights of a use case add up to 1"),
});
export type LiveArm = z.infer<typeof LiveArm>;

export const HistoryMark = z.object({
  offset: z.number().int().nonnegative().describe("place in the history"),
  at: z.string().describe("ISO 8601 UTC"),
  actor: z.string(),
  reason: z.string(),
});
export type HistoryMark = z.infer<typeof HistoryMark>;

/** A rollout under way, as `GET /v1/use-cases/:id` shows it per env. */
export const RolloutView = z.object({
  prompt_version: ContentHash,
  number: z.number().int().positive(),
  steps: Ramp,
  step: z.number().int().nonnegative().describe("index in `steps` of the current one"),
  started: HistoryMark,
  stepped: HistoryMark.describe("what began the current step"),
});
export type RolloutView = z.infer<typeof RolloutView>;

/** The newest reading of the versions that run side by side; WATCHING, CLEARED or REGRESSED. */
export const CanaryView = HistoryMark.extend({ prompt_version: ContentHash, decision: CanaryDecision });
export type CanaryView = z.infer<typeof CanaryView>;

/** Answer to every command that was accepted. */
export const CommandAccepted = z.object({
  event_id: z.string(),
  offset: z.number().int().nonnegative().describe("place in the history"),
  use_case: z.string(),
  env: z.string(),
  prompt_version: z.string().nullable().describe("of a rollback, the version that was taken back"),
  number: z.number().int().positive().nullable().describe("per use case: v<number>"),
  changed: z.boolean().describe("false: it was so already"),
  revision: z
    .number()
    .int()
    .nonnegative()
    .nullable()
    .describe("of the use case and env, for the next command; null for what concerns every env"),
  live: z.array(LiveArm).describe("after the command; the canary first"),
  overridden: z.array(z.object({ code: z.string(), message: z.string() })).describe("what a bypass overrode"),
  decision: z.object({ passed: z.boolean() }).loose().optional().describe("of the gate, for an eval record"),
});
export type CommandAccepted = z.infer<typeof CommandAccepted>;

/** `GET /v1/live`. The first arm of `live` is the canary, when there is one. */
export const LiveAnswer = z.object({
  env: z.string(),
  revision: z
    .number()
    .int()
    .nonnegative()
    .describe("rises with every change of the asked use cases; send it as `since`"),
  use_cases: z.record(
    z.string(),
    z.object({
      revision: z.number().int().nonnegative().describe("of the use case and env, for commands"),
      live: z.array(LiveArm.extend({ document: PromptDocumentBody })),
      policy: z.object({ policy_hash: ContentHash, document: z.record(z.string(), z.json()) }).nullable(),
    }),
  ),
  missing: z.array(z.string()).describe("asked for, but nothing of them is live here"),
  switched_off: z
    .array(z.string())
    .default([])
    .describe(
      "models of the env that applications leave out, but for a few calls that try whether they answer again",
    ),
});
export type LiveAnswer = z.infer<typeof LiveAnswer>;
