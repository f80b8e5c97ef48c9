/** Dead letters over the registry's HTTP: list, show, redrive. */
import { z } from "zod";

/** Dead letters that one request may redrive. */
export const REDRIVE_MAX = 100;
/** Longest wait for the writer to have read what was redriven, ms. */
const REDRIVE_WAIT_MS_MAX = 20_000;
/** Dead letters in one answer. */
export const DEAD_LETTERS_PAGE_MAX = 500;

export const DeadLetterView = z.object({
  id: z.string().describe("<topic>/<partition>/<offset> of the original record"),
  topic: z.string(),
  partition: z.number().int(),
  offset: z.number().int(),
  tenant: z.string(),
  reason: z.string().describe("why, from a small set: not_json, schema:<field>, store:<code>"),
  detail: z.string().describe("why, in words"),
  bytes: z.number().int().describe("size of the original record"),
  first_seen: z.string().describe("when the original record was first seen, ISO 8601 UTC"),
  dead_lettered_at: z.string().describe("ISO 8601 UTC"),
  redriven_at: z.string().nullable().describe("ISO 8601 UTC; null when it was not redriven"),
  redriven_by: z.string().nullable(),
  came_back: z.boolean().describe("it had been redriven already when it failed"),
  is_cut: z
    .boolean()
    .describe("it was larger than a dead letter may be; the rest is gone, and it cannot be redriven"),
});
export type DeadLetterView = z.output<typeof DeadLetterView>;

export const DeadLettersAnswer = z.object({
  letters: z.array(DeadLetterView).describe("newest first"),
  matching: z.number().int().describe("how many fit the filters, this page among them"),
  next_before: z
    .number()
    .int()
    .nullable()
    .describe("send as `before` for the older ones; null when there are none"),
});
export type DeadLettersAnswer = z.output<typeof DeadLettersAnswer>;

export const DeadLetterDetail = DeadLetterView.extend({
  key: z.string(),
  headers: z.record(z.string(), z.string()).describe("of the original record"),
  value_base64: z.string().describe("the original bytes"),
});
export type DeadLetterDetail = z.output<typeof DeadLetterDetail>;

export const RedriveBody = z.object({
  ids: z.array(z.string().min(1).max(300)).min(1).max(REDRIVE_MAX),
  force: z.boolean().default(false).describe("also what was redriven before"),
  wait_ms: z
    .number()
    .int()
    .min(0)
    .max(REDRIVE_WAIT_MS_MAX)
    .default(0)
    .describe("longest wait for the writer to have read them"),
});

export const RedriveAnswer = z.object({
  redriven: z.number().int().describe("appended to their topics again"),
  skipped: z.array(z.object({ id: z.string(), why: z.enum(["unknown", "redriven", "cut", "topic"]) })),
  is_settled: z.boolean().describe("the writer has read all of them"),
  came_back: z.number().int().describe("of those, dead letters again by now"),
});
export type RedriveAnswer = z.output<typeof RedriveAnswer>;
