/**
 * The rubric file: how one criterion is judged. A superset of autoevals' keys (`prompt`, `choice_scores`, `use_cot`,
 * `model`, `temperature`), so that its files load as they are; a file without a `name` takes its file's.
 */
import { z } from "zod";
import { PROTECTED } from "../events/verdict.ts";

const share = z.number().min(0).max(1);

const PASS_IF = /^score\s*>=\s*(0(?:\.\d+)?|1(?:\.0+)?|\.\d+)$/;

const JudgeModel = z.object({
  id: z.string().min(1).describe("provider/model, dated: an alias that moves looks like a regression"),
  max_tokens: z.number().int().positive().max(100_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
});

export const RubricFile = z
  .object({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/, "must be lower-case letters, digits and underscores")
      .optional()
      .describe("the criterion; default: the file's name"),
    version: z.number().int().positive().default(1),
    direction: z.enum(["maximize", "minimize"]).default("maximize"),
    guardrail: z.boolean().default(false).describe("may trigger a rollback"),
    protects: z
      .enum(PROTECTED)
      .optional()
      .describe("what the guardrail is for, beyond the answer: its fall is a SEV1"),
    inputs: z
      .array(z.enum(["input", "output", "context", "context?", "expected", "expected?"]))
      .default(["input", "output"])
      .describe("what the judge sees; a question mark makes it optional"),
    method: z.enum(["statements", "choice", "scale"]).default("statements"),
    choice_scores: z
      .record(z.string().min(1), share)
      .default({ pass: 1, fail: 0 })
      .describe("score of each choice; cannot_judge is implicit and has none"),
    pass_if: z
      .union([
        share,
        z
          .string()
          .regex(PASS_IF, 'must be a number in [0,1] or "score >= <number>"')
          .transform((text) => Number(PASS_IF.exec(text)?.[1])),
      ])
      .default(1)
      .describe("score at or above which the label is pass"),
    criterion: z.string().min(1).max(10_000).optional().describe("what counts, in words for the judge"),
    fail_examples: z
      .array(z.object({ input: z.string(), output: z.string(), why: z.string() }))
      .max(20)
      .default([]),
    model: z
      .union([
        z
          .string()
          .min(1)
          .transform((id) => ({ id })),
        JudgeModel,
      ])
      .optional()
      .describe("default: the judge that the service is configured with"),
    temperature: z.number().min(0).max(2).optional(),
    use_cot: z
      .boolean()
      .optional()
      .describe("accepted from autoevals; reasoning always comes before the label"),
    second_opinion: z
      .object({ model: z.string().min(1), when: z.string().min(1).optional(), rate: share.default(0.1) })
      .optional(),
    sampling: z
      .object({
        rate: share.default(0.05),
        min_per_version_hour: z.number().int().nonnegative().optional(),
        max_per_hour: z.number().int().positive().optional(),
        oversample: z
          .record(z.string(), z.union([z.number().min(1), z.string().regex(/^\d+(?:\.\d+)?x$/)]))
          .optional()
          .describe("factor per slice, such as slice.mentions_money: 2x"),
      })
      .optional(),
    budget: z
      .object({
        usd_per_day: z.number().nonnegative(),
        on_exceeded: z.enum(["reduce_rate", "stop"]).default("stop"),
      })
      .optional(),
    prompt: z
      .string()
      .min(1)
      .nullish()
      .describe("own text with {{input}} and {{output}}; null: the built-in one"),
  })
  .refine((file) => file.criterion !== undefined || typeof file.prompt === "string", {
    error: "a rubric needs a criterion or a prompt of its own",
  })
  .refine((file) => !("cannot_judge" in file.choice_scores), {
    error: "cannot_judge has no score; leave it out of choice_scores",
    path: ["choice_scores"],
  });
export type RubricFile = z.output<typeof RubricFile>;
