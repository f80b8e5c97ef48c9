/**
 * `plumbline.config.*`: where a project's files are, which registry it talks to, and what the gate asks of a use
 * case. No secrets: tokens come from the environment.
 */
import { z } from "zod";
import { AlertLabels } from "../events/detection/parts.ts";
import { ProjectPath, UseCase } from "./prompt.ts";
import { Duration } from "./quantity.ts";
import { TimeZone } from "../time-zone.ts";

const share = z.number().min(0).max(1);
const increase = z.number().min(0).max(100);

/** Limits of the gate. A use case's own values replace the project's, key by key. */
export const GateLimits = z
  .object({
    margin: share.describe(
      "largest fall of the mean score that is immaterial, score points in [0,1]; default 0.02",
    ),
    require: z
      .enum(["not_shown_worse", "shown_not_worse"])
      .describe(
        "not_shown_worse: refused when the interval lies below -margin; shown_not_worse: refused unless it lies above",
      ),
    alpha: z.number().min(0.001).max(0.2).describe("one-sided error rate of each limit; default 0.05"),
    min_cases: z.number().int().positive().describe("fewer paired cases are refused; default 20"),
    slice_min_cases: z.number().int().positive().describe("smaller slices are shown, not judged; default 10"),
    score_floor: share.nullable().describe("lowest mean score of the candidate"),
    pass_rate_floor: share.nullable().describe("lowest share of passing cases of the candidate"),
    slice_floors: z.record(z.string(), share).describe("lowest mean score within a slice"),
    max_cost_increase: increase.nullable().describe("0.2: at most 20% dearer per case; null: no limit"),
    max_cost_usd: z.number().nonnegative().nullable().describe("mean US dollars per case"),
    max_latency_increase: increase.nullable().describe("0.5: p95 at most 50% slower; null: no limit"),
    max_latency_ms_p95: z.number().positive().nullable(),
    max_record_age: Duration.describe("older eval records are refused; default 7d"),
  })
  .partial()
  .strict()
  .transform(({ max_record_age, ...rest }) => ({
    ...rest,
    ...(max_record_age !== undefined && { max_record_age_ms: max_record_age }),
  }));
export type GateLimits = z.output<typeof GateLimits>;

const EvalSetEntry = z
  .object({
    owner: z.string().regex(/\S/, "must not be blank").describe("who keeps the cases honest"),
    cadence: Duration.describe("new cases are added at least this often, such as 90d"),
  })
  .partial()
  .strict()
  .transform(({ cadence, ...rest }) => ({ ...rest, ...(cadence !== undefined && { cadence_ms: cadence }) }));

const timeZone = TimeZone.describe(
  "of the users, such as Europe/Berlin: hours of the week are usual by its clock; default: learnt from the traffic",
);

export const ConfigFile = z
  .object({
    $schema: z.string().optional(),
    registry: z
      .object({
        url: z.url().default("http://127.0.0.1:4800"),
        timeout_ms: z.number().int().positive().default(10_000),
      })
      .strict()
      .prefault({}),
    folders: z
      .object({
        prompts: ProjectPath.default("prompts"),
        evals: ProjectPath.default("evals"),
        rubrics: ProjectPath.default("rubrics"),
        policies: ProjectPath.default("policies"),
        templates: ProjectPath.default("templates"),
      })
      .strict()
      .prefault({}),
    environments: z
      .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/))
      .min(1)
      .default(["production"]),
    gate: GateLimits.default({}).describe("for every use case"),
    eval_set: EvalSetEntry.default({}).describe("for every eval set"),
    time_zone: timeZone.exactOptional(),
    eval: z
      .object({
        concurrency: z.number().int().min(1).max(64).default(4),
        repeat: z.number().int().min(1).max(20).default(1),
        max_cost_usd: z.number().positive().default(5).describe("an eval run stops before it costs more"),
        timeout_ms: z.number().int().positive().default(60_000).describe("one provider request"),
      })
      .strict()
      .prefault({}),
    use_cases: z
      .record(
        UseCase,
        z
          .object({
            gate: GateLimits.default({}),
            eval_set: EvalSetEntry.default({}),
            alerts: AlertLabels.strict().exactOptional().describe("words of its alerts"),
            time_zone: timeZone.exactOptional(),
          })
          .strict(),
      )
      .default({}),
  })
  .strict();
export type ConfigFile = z.output<typeof ConfigFile>;
