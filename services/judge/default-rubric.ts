import { createHash } from "node:crypto";
import type { Rubric } from "@plumbline/ports";

/**
 * The rubric of every use case that has none of its own. Faithfulness, because it asks of any text made from another
 * text the same question, and because its failures harm people.
 */
const FAITHFULNESS = {
  name: "faithfulness",
  version: 1,
  is_guardrail: true,
  criterion:
    "Every claim in the output is supported by the input. Amounts, numbers, dates, names and negations are kept " +
    "when they matter to the request, and none is hidden by a placeholder, changed, or added. Style, tone and " +
    "length are judged elsewhere.",
  // Four claims in five: one doubtful claim in a long answer is not yet a failed answer.
  pass_if: 0.8,
} as const;

export const DEFAULT_RUBRICS: readonly Rubric[] = [{ ...FAITHFULNESS, hash: hashRubric(FAITHFULNESS) }];

/** sha256:<hex> of the canonical JSON of what decides a judgement: a changed rubric starts a new series of scores. */
export function hashRubric(rubric: Omit<Rubric, "hash">): string {
  const { criterion, is_guardrail, name, pass_if, version } = rubric;
  const canonical = JSON.stringify({ criterion, is_guardrail, name, pass_if, version });
  return `sha256:${createHash("sha256").update(canonical).digest("hex")}`;
}
