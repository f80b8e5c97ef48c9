/**
 * The verdict event: one judge's terminal answer about one call on one criterion.
 *
 * Every sampled call ends in exactly one state per criterion; `scored + cannot_judge + failed + expired +
 * over_budget = sampled`. Only `scored` carries a score: a failure is never read as a zero.
 *
 * The call's version, slices and sampling rate are copied in, so that evidence can be recomputed from verdicts
 * alone, long after the call's text has expired.
 */
import { z } from "zod";
import { instant } from "./instant.ts";

export const VERDICT_STATES = ["scored", "cannot_judge", "failed", "expired", "over_budget"] as const;
/** What a guardrail may be for, beyond the answer: a fall of one of these is the most urgent there is. */
export const PROTECTED = ["safety", "personal_data"] as const;
const FAILURE_TYPES = ["omission", "contradiction", "invention", "format", "other"] as const;

/** Why a call has no score, for counting. Its `reason` is in words, and may quote a text. */
export const VERDICT_CAUSES = [
  "undecided",
  "no_evidence",
  "contradiction",
  "unreadable",
  "answer_cut",
  "refused",
  "filtered",
  "text_too_long",
  "not_captured",
  "texts_expired",
  "texts_missing",
  "criterion",
  "no_answer",
  "request_refused",
  "waited_too_long",
  "budget",
] as const;

const chars = z.number().int().nonnegative();

/** How much of the texts the judge read, in UTF-16 units. */
export const Truncated = z.object({
  input_chars: chars,
  input_judged_chars: chars,
  output_chars: chars,
  output_judged_chars: chars,
});
export type Truncated = z.output<typeof Truncated>;

export const Verdict = z.object({
  call_id: z.string(),
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  prompt_version: z.string(),
  model: z.string(),
  conversation_id: z.string().describe("the statistical unit that the call belongs to"),
  started_at: instant.describe("of the call, ISO 8601 UTC"),
  criterion: z.string().describe("what was judged, such as faithfulness"),
  is_guardrail: z
    .boolean()
    .describe("a guardrail criterion may trigger a rollback, a signal criterion may not"),
  protects: z.enum(PROTECTED).optional().describe("what the guardrail is for, beyond the answer"),
  rubric_hash: z.string().describe("sha256:<hex> of the rubric; a changed rubric starts a new series"),
  judge: z.string().describe('who judged: a model id, or "lexical, no LLM"'),
  state: z.enum(VERDICT_STATES),
  label: z.enum(["pass", "fail"]).nullable().describe("null unless scored"),
  score: z.number().min(0).max(1).nullable().describe("in [0,1], higher is better; null unless scored"),
  reason: z
    .string()
    .max(2000)
    .describe("the judge's explanation, or why there is no score; never customer text beyond short quotes"),
  cause: z
    .enum(VERDICT_CAUSES)
    .optional()
    .catch(undefined)
    .describe("kind of reason why there is no score; absent when scored"),
  truncated: Truncated.optional().describe("how much of the texts was judged; absent when all of them was"),
  failure_type: z.enum(FAILURE_TYPES).nullable(),
  judged_at: instant.describe("ISO 8601 UTC"),
  latency_ms: z.number().nonnegative(),
  cost_usd: z.number().nonnegative().nullable().describe("of this judgement, US dollars; null when unknown"),
  slices: z.array(z.string()).describe("names of the predicates that held for the call"),
  input_fingerprint: z
    .string()
    .max(64)
    .optional()
    .describe(
      "equal for calls of one use case with the same input, white space and case aside; absent without a text",
    ),
  sample_rate: z
    .number()
    .min(0)
    .max(1)
    .describe(
      "probability with which the call was selected; 0 when its outcome or a thumb chose it: no estimate counts it",
    ),
});
export type Verdict = z.infer<typeof Verdict>;
