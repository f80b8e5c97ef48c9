/**
 * What a language model must return, and how an answer becomes a score. Evidence comes before reasoning and
 * reasoning before the label, so that the label follows from what was found. Models are read leniently where their
 * meaning is clear. Whether a verdict counts depends on its evidence, never on its label: else the calls that fail
 * would leave the sample more often than those that pass.
 */
import type { JudgeAnswer, Rubric } from "@plumbline/ports";
import { type Folded, findJudgement, foldJudgement, foldKeys } from "./find-judgement.ts";

const FAILURES = ["omission", "contradiction", "invention", "format", "other"] as const;
type Failure = (typeof FAILURES)[number];

interface Judgement {
  /** Statements of which the judge says whether they are supported. */
  readonly evidence: readonly { readonly supported: boolean }[];
  readonly reasoning: string;
  readonly label: "pass" | "fail" | "cannot_judge";
  readonly failure_type: Failure | null;
}

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

/** The judgement in a model's text, or null when there is none with a label that can be read. */
export function parseJudgement(text: string): Judgement | null {
  const object = findJudgement(text);
  return object === null ? null : readFolded(object);
}

/** The judgement in the arguments of a tool. */
export function readJudgement(value: unknown): Judgement | null {
  const object = foldJudgement(value);
  return object === null ? null : readFolded(object);
}

function readFolded(object: Folded): Judgement | null {
  const label = readLabel(object.get("label"));
  if (label === null) return null;
  return {
    evidence: readEvidence(object.get("evidence")),
    reasoning: readText(object.get("reasoning") ?? object.get("reason") ?? object.get("explanation")),
    label,
    failure_type: readFailure(object.get("failuretype")),
  };
}

const LABELS: ReadonlyMap<string, Judgement["label"]> = new Map([
  ...["pass", "passed", "passes"].map((word) => [word, "pass"] as const),
  ...["fail", "failed", "fails", "failure"].map((word) => [word, "fail"] as const),
  ...["cannotjudge", "cantjudge", "cannotdecide", "undecided", "unclear", "unknown"].map(
    (word) => [word, "cannot_judge"] as const,
  ),
]);

function readLabel(value: unknown): Judgement["label"] | null {
  return typeof value === "string" ? (LABELS.get(fold(value)) ?? null) : null;
}

const TRUE = new Set(["true", "yes", "y", "supported", "1"]);
const FALSE = new Set(["false", "no", "n", "unsupported", "notsupported", "0"]);

function readEvidence(value: unknown): Judgement["evidence"] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.flatMap((item): Judgement["evidence"] => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return [];
    const fields = foldKeys(item);
    // An item without a word is the shape of evidence, and none.
    if (readText(fields.get("statement")) === "" && readText(fields.get("quote")) === "") return [];
    const said = fields.get("supported") ?? fields.get("issupported");
    const word = typeof said === "string" ? fold(said) : String(said);
    return TRUE.has(word) ? [{ supported: true }] : FALSE.has(word) ? [{ supported: false }] : [];
  });
}

function readFailure(value: unknown): Failure | null {
  if (typeof value !== "string") return null;
  const word = fold(value);
  if (["", "null", "none", "na", "no"].includes(word)) return null;
  return FAILURES.find((failure) => failure === word) ?? "other";
}

function readText(value: unknown): string {
  if (Array.isArray(value)) return value.map(readText).filter(Boolean).join(" ");
  return typeof value === "string" ? value.trim() : typeof value === "number" ? String(value) : "";
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** Failures that no statement of the output shows: something is missing, or its form is wrong. */
const BEYOND_STATEMENTS: readonly (Failure | null)[] = ["omission", "format", "other", null];

/**
 * The score is the share of supported statements, and the label follows the score. A model that says `fail` although
 * all its statements are supported found something that statements don't show: half of the pass mark. Without
 * evidence, or against it, a label is no verdict, whichever it is.
 */
export function answerOf(judgement: Judgement, rubric: Rubric, cost_usd: number | null): JudgeAnswer {
  const { evidence, reasoning, label, failure_type } = judgement;
  if (label === "cannot_judge") {
    const reason = reasoning === "" ? "the judge could not tell" : reasoning;
    return { state: "cannot_judge", cause: "undecided", reason, cost_usd };
  }
  if (evidence.length === 0) {
    const reason = `the judge gave no evidence for its label ${label}${after(reasoning)}`;
    return { state: "cannot_judge", cause: "no_evidence", reason, cost_usd };
  }
  const supported = evidence.filter((each) => each.supported).length;
  const share = supported / evidence.length;
  const contradicts =
    label === "pass"
      ? share < rubric.pass_if || isNamed(failure_type)
      : share === 1 && !BEYOND_STATEMENTS.includes(failure_type);
  if (contradicts) {
    const failure = isNamed(failure_type) ? `, failure ${failure_type}` : "";
    const reason = `${supported} of ${evidence.length} statements are supported${failure}, against the judge's own label ${label}${after(reasoning)}`;
    return { state: "cannot_judge", cause: "contradiction", reason, cost_usd };
  }
  const score = label === "pass" ? share : Math.min(share, rubric.pass_if / 2);
  const isPass = score >= rubric.pass_if;
  return {
    state: "scored",
    label: isPass ? "pass" : "fail",
    score,
    reason: reasoning === "" ? `the judge gives no reason for its label ${label}` : reasoning,
    failure_type: isPass ? null : (failure_type ?? "other"),
    cost_usd,
  };
}

function isNamed(failure: Failure | null): boolean {
  return failure !== null && failure !== "other";
}

function after(reasoning: string): string {
  return reasoning === "" ? "" : `: ${reasoning}`;
}

/** The turns after an answer that holds no judgement. */
export function askAgain(
  answer: string,
): readonly [
  { readonly role: "assistant"; readonly content: string },
  { readonly role: "user"; readonly content: string },
] {
  return [
    { role: "assistant", content: answer === "" ? "(nothing)" : answer },
    {
      role: "user",
      content: "That is not the object. Return only the JSON object, complete and shorter.",
    },
  ];
}
