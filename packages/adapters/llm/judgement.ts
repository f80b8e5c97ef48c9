/**
 * The judgement that a language model must return, and the score that follows from it. Evidence comes before reasoning and
 * reasoning before the label, so that the label follows from what was found.
 */
import type { JudgeAnswer, Rubric } from "@plumbline/ports";
import { z } from "zod";

const FAILURES = ["omission", "contradiction", "invention", "format", "other"] as const;

const Judgement = z.object({
  evidence: z.array(z.object({ statement: z.string(), supported: z.boolean(), quote: z.string() })),
  reasoning: z.string(),
  label: z.enum(["pass", "fail", "cannot_judge"]),
  failure_type: z.enum(FAILURES).nullable(),
});
export type Judgement = z.output<typeof Judgement>;

/** JSON Schema of a judgement, written out because both providers' strict modes take only this much of the language. */
export const JUDGEMENT_SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["evidence", "reasoning", "label", "failure_type"],
  properties: {
    evidence: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["statement", "supported", "quote"],
        properties: {
          statement: { type: "string" },
          supported: { type: "boolean" },
          quote: { type: "string" },
        },
      },
    },
    reasoning: { type: "string" },
    label: { type: "string", enum: ["pass", "fail", "cannot_judge"] },
    failure_type: { type: ["string", "null"], enum: [...FAILURES, null] },
  },
} as const;

/** The judgement in a model's text: the text itself, a fenced block in it, or the object in it. Null when there is none. */
export function parseJudgement(text: string): Judgement | null {
  const fenced = /```(?:json)?\s*(\{[\s\S]*?\})\s*```/.exec(text)?.[1];
  const open = text.indexOf("{");
  const close = text.lastIndexOf("}");
  const braced = open >= 0 && close > open ? text.slice(open, close + 1) : undefined;
  for (const candidate of [text, fenced, braced]) {
    if (candidate === undefined) continue;
    const judgement = readJudgement(tryJson(candidate));
    if (judgement !== null) return judgement;
  }
  return null;
}

export function readJudgement(value: unknown): Judgement | null {
  const parsed = Judgement.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/**
 * The score is the share of supported statements, and the label follows the score. A model that says `fail` although
 * all its statements are supported found something that statements don't show, such as an omission: half of the pass
 * mark. A model that says `pass` against its own evidence is not believed.
 */
export function answerOf(judgement: Judgement, rubric: Rubric, cost_usd: number | null): JudgeAnswer {
  const { evidence, reasoning, label, failure_type } = judgement;
  if (label === "cannot_judge") {
    return {
      state: "cannot_judge",
      reason: reasoning === "" ? "the judge could not tell" : reasoning,
      cost_usd,
    };
  }
  const supported = evidence.filter((each) => each.supported).length;
  const share = evidence.length === 0 ? (label === "pass" ? 1 : 0) : supported / evidence.length;
  const score = label === "pass" ? share : Math.min(share, rubric.pass_if / 2);
  const isPass = score >= rubric.pass_if;
  const reason =
    label === "pass" && !isPass
      ? `${supported} of ${evidence.length} statements are supported, against the judge's own label pass: ${reasoning}`
      : reasoning;
  return {
    state: "scored",
    label: isPass ? "pass" : "fail",
    score,
    reason,
    failure_type: isPass ? null : (failure_type ?? "other"),
    cost_usd,
  };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
