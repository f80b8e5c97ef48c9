/**
 * What the registry answers. Loose on purpose: a newer registry that says more, or names a state that is none of ours, is
 * understood all the same, and what is unknown is shown as it came. Versions are content hashes, times ISO 8601.
 */
import type { PromptDocument } from "@plumbline/prompts";
import * as schemas from "@plumbline/schemas";
import { z } from "zod";

const Mark = z.object({ at: z.string(), actor: z.string(), reason: z.string(), offset: z.number() }).loose();
type Mark = z.output<typeof Mark>;

const Refusal = z.object({ code: z.string(), message: z.string() }).loose();

const Eval = z
  .object({
    ...Mark.shape,
    incumbent: z.string().nullable(),
    finished_at: z.number().describe("ms since the epoch"),
    decision: z
      .object({
        passed: z.boolean(),
        failures: z.array(Refusal),
        table: z.array(z.object({ n: z.number(), candidate_score: z.number() }).loose()).optional(),
      })
      .loose(),
  })
  .loose();

const VersionSummary = z
  .object({
    prompt_version: z.string(),
    short: z.string(),
    number: z.number(),
    author: z.string(),
    commit: z.string().nullable(),
    registered: Mark,
    approvals: z.array(Mark),
    eval_count: z.number(),
    latest_eval: Eval.nullable(),
    quarantined: Mark.nullable(),
  })
  .loose();
export type VersionSummary = z.output<typeof VersionSummary>;

/** A reading whose state may be none of ours. */
const Canary = schemas.CanaryView.extend({
  decision: schemas.CanaryDecision.extend({ state: z.string(), waits_for: z.string().nullable() }).loose(),
}).loose();

const EnvSummary = z
  .object({
    revision: z.number(),
    live: z.array(schemas.LiveArm.loose()),
    moved: Mark.nullable(),
    rollout: schemas.RolloutView.loose().nullable().default(null),
    canary: Canary.nullable().default(null),
    previous_good: z.string().nullable(),
    policy_hash: z.string().nullable(),
    drill: z
      .object({
        ...Mark.shape,
        report: z
          .object({
            policy_hash: z.string().nullable(),
            findings: z.array(z.object({ branch: z.string(), passed: z.boolean() }).loose()),
          })
          .loose(),
      })
      .loose()
      .nullable()
      .default(null),
    bypasses: z.array(
      z.object({ ...Mark.shape, prompt_version: z.string(), overridden: z.array(Refusal) }).loose(),
    ),
  })
  .loose();
export type EnvSummary = z.output<typeof EnvSummary>;

/** `GET /v1/use-cases` */
export const UseCasesAnswer = z
  .object({ use_cases: z.array(z.object({ use_case: z.string() }).loose()) })
  .loose();

/** `GET /v1/use-cases/<use case>`; the newest version first. */
export const UseCaseAnswer = z
  .object({
    use_case: z.string(),
    settings: z
      .object({
        owner: z.string().nullable(),
        eval_set: z.object({ hash: z.string(), cases: z.number() }).loose().nullable(),
        rubrics: z.record(z.string(), z.string()),
        gate: z.record(z.string(), z.json()),
      })
      .loose(),
    envs: z.record(z.string(), EnvSummary),
    versions: z.array(VersionSummary),
  })
  .loose();
export type UseCaseAnswer = z.output<typeof UseCaseAnswer>;

const Fleet = z
  .object({
    env: z.string(),
    paused: Mark.nullable(),
    models_off: z.array(z.object({ ...Mark.shape, model: z.string() }).loose()),
    changes: z.array(z.object({ ...Mark.shape, model: z.string().nullable(), state: z.string() }).loose()),
  })
  .loose();
export type Fleet = z.output<typeof Fleet>;

/** `GET /v1/fleets` */
export const FleetsAnswer = z.object({ fleets: z.array(Fleet) }).loose();

/** JSON has no undefined, which the schema's own type cannot say. */
const Document = schemas.PromptDocumentBody.transform((document) => document as PromptDocument);

/** `GET /v1/use-cases/<use case>/versions/<version>` */
export const VersionAnswer = z.object({ ...VersionSummary.shape, document: Document }).loose();
export type VersionAnswer = z.output<typeof VersionAnswer>;

/** `GET /v1/use-cases/<use case>/history`; the newest entry first. */
export const HistoryAnswer = z
  .object({
    entries: z.array(
      z
        .object({
          ...Mark.shape,
          type: z.string(),
          env: z.string().describe("empty for what concerns every environment"),
          prompt_version: z.string().nullable(),
          number: z.number().nullable(),
          weight: z.number().nullable(),
          live: z.array(schemas.LiveArm.loose()).nullable(),
          outcome: z.union([
            z
              .object({ kind: z.literal("accepted"), changed: z.boolean(), overridden: z.array(Refusal) })
              .loose(),
            z.object({ kind: z.literal("rejected"), code: z.string(), message: z.string() }).loose(),
            z
              .object({ kind: z.string() })
              .loose()
              .transform((said) => ({ kind: "unknown" as const, said })),
          ]),
        })
        .loose(),
    ),
    next_before: z.number().nullable(),
  })
  .loose();
export type HistoryLine = z.output<typeof HistoryAnswer>["entries"][number];

const Key = schemas.KeyView.extend({ scopes: z.array(z.string()), state: z.string() }).loose();
export type Key = z.output<typeof Key>;

/** `GET /v1/keys` */
export const KeysAnswer = z.object({ keys: z.array(Key) }).loose();

/** `POST /v1/keys` and what changes one. The secret comes this once: nothing else in the answer may keep it from its reader. */
export const KeyAnswer = schemas.KeyAnswer.extend({ key: Key }).loose();

/** `POST` and `GET /v1/erasures`; any state but `pending` is an end. */
export const ErasureAnswer = schemas.ErasureAnswer.extend({ state: z.string() }).loose();

/** `POST /v1/dead-letters/redrive` */
export const RedriveAnswer = schemas.RedriveAnswer.extend({
  skipped: z.array(z.object({ id: z.string(), why: z.string() }).loose()),
}).loose();
export type RedriveAnswer = z.output<typeof RedriveAnswer>;
