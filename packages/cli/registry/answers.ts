/**
 * What the registry answers to reads. Loose on purpose: a newer registry that says more is understood all the same.
 * Versions are content hashes, times ISO 8601.
 */
import type { PromptDocument } from "@plumbline/prompts";
import { CanaryView, LiveArm, PromptDocumentBody, RolloutView } from "@plumbline/schemas";
import { z } from "zod";

const Mark = z.object({ at: z.string(), actor: z.string(), reason: z.string(), offset: z.number() }).loose();
export type Mark = z.output<typeof Mark>;

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

const EnvSummary = z
  .object({
    revision: z.number(),
    live: z.array(LiveArm.loose()),
    moved: Mark.nullable(),
    rollout: RolloutView.loose().nullable().default(null),
    canary: CanaryView.loose().nullable().default(null),
    previous_good: z.string().nullable(),
    policy_hash: z.string().nullable(),
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

/** JSON has no undefined, which the schema's own type cannot say. */
const Document = PromptDocumentBody.transform((document) => document as PromptDocument);

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
          live: z.array(LiveArm.loose()).nullable(),
          outcome: z.discriminatedUnion("kind", [
            z
              .object({ kind: z.literal("accepted"), changed: z.boolean(), overridden: z.array(Refusal) })
              .loose(),
            z.object({ kind: z.literal("rejected"), code: z.string(), message: z.string() }).loose(),
          ]),
        })
        .loose(),
    ),
    next_before: z.number().nullable(),
  })
  .loose();
export type HistoryLine = z.output<typeof HistoryAnswer>["entries"][number];
