/**
 * One line of an eval set: a promptfoo test case, with our keys in `metadata`. promptfoo runs the same file unchanged;
 * keys of promptfoo's that we do not know are kept and not looked at.
 */
import { z } from "zod";

export const EvalAssert = z
  .object({
    type: z
      .string()
      .min(1)
      .max(100)
      .describe("contains, equals, regex, is-json, llm-rubric, latency, cost, …"),
    value: z.json().optional(),
    threshold: z
      .number()
      .optional()
      .describe("llm-rubric: lowest passing score; latency: ms; cost: US dollars"),
    weight: z
      .number()
      .nonnegative()
      .default(1)
      .describe("share in the case's score; 0: reported, not counted"),
    metric: z.string().max(200).optional(),
  })
  .loose();
export type EvalAssert = z.output<typeof EvalAssert>;

const EvalLabel = z.object({
  label: z.enum(["pass", "fail", "cannot_judge"]),
  by: z.string().min(1),
});

export const EvalCase = z
  .object({
    description: z.string().max(2000).optional(),
    vars: z.record(z.string(), z.json()).default({}),
    assert: z.array(EvalAssert).max(50).default([]),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("lowest passing mean of the asserts; without it every assert must pass"),
    metadata: z
      .object({
        id: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/, "must be letters, digits, dots, dashes, colons")
          .optional()
          .describe("pairs the results of two versions; default: a hash of the case"),
        slice: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
        split: z.string().default("test"),
        added: z.iso.date().optional().describe("day the case was added, such as 2026-11-01"),
        source: z.string().max(500).optional().describe("where the case came from, such as prod:01JD8…"),
        expected: z.string().optional().describe("a reference answer"),
        labels: z.record(z.string(), EvalLabel).optional().describe("what people said, by rubric"),
      })
      .loose()
      .default({ slice: [], split: "test" }),
  })
  .loose();
export type EvalCase = z.output<typeof EvalCase>;
