/**
 * Decides whether an answer passes its case. Fails closed: an assert that could not be run, or whose judge gave no
 * clear pass, never counts as a pass. Kinds that only promptfoo runs are reported as such.
 */
import type { EvalAssert } from "@plumbline/schemas";
import { matchPattern } from "./bounded-pattern.ts";
import { canonicalJson } from "@plumbline/client/render";
import type { EvalCase } from "./eval-set.ts";
import type { JsonValue } from "@plumbline/client/render";
import { parseMessage, renderTemplate } from "./template/template.ts";

/** What a provider answered. */
export interface EvalAnswer {
  readonly output: string;
  /** Of the request that brought the answer, whenever that was; null when it was not measured. */
  readonly latency_ms: number | null;
  /** US dollars; null when the model's price is unknown. */
  readonly cost_usd: number | null;
}

interface RubricQuestion {
  /** `rubric:<name>`'s name, or null for a rubric in words. */
  readonly rubric: string | null;
  /** The words of an inline rubric; empty for a named one. */
  readonly criterion: string;
  readonly case: EvalCase;
  readonly output: string;
}

/** A judge's reply. `pass` undefined and `cannot_judge` are not passes. */
export interface RubricReply {
  readonly pass?: boolean;
  /** In [0,1]. */
  readonly score?: number;
  readonly cannot_judge?: boolean;
  readonly reason: string;
}

export interface AssertContext {
  /** Absent: llm-rubric asserts are not run. A rejection is caught and reported as not run. */
  readonly judge?: (question: RubricQuestion) => Promise<RubricReply>;
}

export interface AssertResult {
  readonly type: string;
  readonly outcome: "pass" | "fail" | "not_run";
  /** In [0,1]; null when the assert was not run. */
  readonly score: number | null;
  readonly weight: number;
  readonly reason: string;
}

export interface CaseOutcome {
  readonly case_id: string;
  /** `not_run`: at least one counted assert was not run, or there is none. Never a pass. */
  readonly outcome: "pass" | "fail" | "not_run";
  /** Weighted mean of the asserts, in [0,1]; null when not run. */
  readonly score: number | null;
  readonly asserts: readonly AssertResult[];
}

/** Kinds that are run here; each but llm-rubric, latency and cost also with `not-` before it. */
export const ASSERT_TYPES = [
  "equals",
  "contains",
  "icontains",
  "regex",
  "is-json",
  "latency",
  "cost",
  "llm-rubric",
] as const;

export async function runAsserts(
  evalCase: EvalCase,
  answer: EvalAnswer,
  context: AssertContext = {},
): Promise<CaseOutcome> {
  const asserts: AssertResult[] = [];
  for (const assert of evalCase.asserts) asserts.push(await runAssert(assert, evalCase, answer, context));
  return { case_id: evalCase.id, ...combine(asserts, evalCase.threshold), asserts };
}

/** A weighted mean, and a pass: at the threshold, or without one only when every counted assert passed. */
function combine(
  asserts: readonly AssertResult[],
  threshold: number | null,
): Pick<CaseOutcome, "outcome" | "score"> {
  const counted = asserts.filter(({ weight }) => weight > 0);
  if (counted.length === 0 || counted.some(({ score }) => score === null))
    return { outcome: "not_run", score: null };
  const weight = counted.reduce((sum, each) => sum + each.weight, 0);
  const score = counted.reduce((sum, each) => sum + each.weight * (each.score ?? 0), 0) / weight;
  const passes =
    threshold === null ? counted.every(({ outcome }) => outcome === "pass") : score >= threshold - 1e-12;
  return { outcome: passes ? "pass" : "fail", score };
}

async function runAssert(
  assert: EvalAssert,
  evalCase: EvalCase,
  answer: EvalAnswer,
  context: AssertContext,
): Promise<AssertResult> {
  const { type, weight } = assert;
  const notRun = (reason: string): AssertResult => ({
    type,
    outcome: "not_run",
    score: null,
    weight,
    reason,
  });
  const decided = (passes: boolean, reason: string, score = passes ? 1 : 0): AssertResult => ({
    type,
    outcome: passes ? "pass" : "fail",
    score,
    weight,
    reason,
  });
  const filled = fillValue(assert.value, evalCase.vars);
  if (filled.kind === "unfilled") return notRun(filled.problem);
  const { value } = filled;
  const { output } = answer;

  if (type === "latency" || type === "cost") {
    const measured = type === "latency" ? answer.latency_ms : answer.cost_usd;
    if (assert.threshold === undefined) return notRun(`${type} needs a threshold`);
    if (measured === null)
      return notRun(type === "latency" ? "the latency was not measured" : "the model's price is unknown");
    return decided(measured <= assert.threshold, `${measured} against ${assert.threshold}`);
  }
  if (type === "llm-rubric") return judged(assert, value, evalCase, output, context, notRun, decided);

  const isNegated = type.startsWith("not-");
  const plain = isNegated ? type.slice(4) : type;
  const outcome = (holds: boolean, reason: string): AssertResult =>
    decided(holds !== isNegated, `${isNegated ? "not " : ""}${reason}`);
  switch (plain) {
    case "equals":
      if (typeof value === "string") return outcome(output.trim() === value.trim(), "equal");
      return value === undefined
        ? notRun("equals needs a value")
        : outcome(isSameJson(output, value), "equal as JSON");
    case "contains":
    case "icontains": {
      if (typeof value !== "string" && typeof value !== "number") return notRun(`${plain} needs a text`);
      const wanted = String(value);
      // An empty text is contained in everything: such an assert has lost its value and must not pass.
      if (wanted === "") return notRun(`${plain} needs a text that is not empty`);
      const holds =
        plain === "contains" ? output.includes(wanted) : output.toLowerCase().includes(wanted.toLowerCase());
      return outcome(holds, `contains ${JSON.stringify(wanted.slice(0, 80))}`);
    }
    case "regex": {
      if (typeof value !== "string") return notRun("regex needs a pattern");
      const match = matchPattern(value, output);
      if (match.kind === "refused") return notRun(`${match.problem}; simplify it, or run with promptfoo`);
      return outcome(match.matches, `matches ${value.slice(0, 80)}`);
    }
    case "is-json":
      if (value !== undefined) return notRun("is-json with a schema: run with promptfoo");
      return outcome(isJson(output), "is JSON");
    default:
      return notRun("run with promptfoo");
  }
}

/**
 * With a threshold the score decides; without one only an explicit pass does. (promptfoo without a threshold passes a
 * reply that says neither.)
 */
async function judged(
  assert: EvalAssert,
  value: JsonValue | undefined,
  evalCase: EvalCase,
  output: string,
  { judge }: AssertContext,
  notRun: (reason: string) => AssertResult,
  decided: (passes: boolean, reason: string, score?: number) => AssertResult,
): Promise<AssertResult> {
  if (typeof value !== "string" || value.trim() === "")
    return notRun("llm-rubric needs a rubric, such as rubric:faithfulness");
  if (judge === undefined) return notRun("no judge is configured");
  const rubric = /^rubric:([a-z][a-z0-9_]*)$/.exec(value)?.[1] ?? null;
  let reply: RubricReply;
  try {
    reply = await judge({ rubric, criterion: rubric === null ? value : "", case: evalCase, output });
  } catch (error) {
    return notRun(`the judge failed: ${error instanceof Error ? error.message : "unknown error"}`);
  }
  const { pass, score, reason } = reply;
  if (reply.cannot_judge === true) return notRun(`the judge could not decide: ${reason}`);
  if (score !== undefined && !(score >= 0 && score <= 1))
    return notRun(`the judge's score ${score} is outside [0,1]`);
  if (assert.threshold !== undefined) {
    if (score === undefined) return notRun("the judge gave no score to hold against the threshold");
    return decided(score >= assert.threshold && pass !== false, reason, score);
  }
  if (pass === undefined) return decided(false, `the judge did not say pass: ${reason}`, 0);
  return decided(pass, reason, score ?? (pass ? 1 : 0));
}

type FilledValue =
  | { readonly kind: "filled"; readonly value: JsonValue | undefined }
  | { readonly kind: "unfilled"; readonly problem: string };

/** promptfoo fills `{{var}}` in an assert's value from the case's variables; so do we, and nothing more. */
function fillValue(value: JsonValue | undefined, vars: Readonly<Record<string, JsonValue>>): FilledValue {
  if (typeof value !== "string" || !value.includes("{{")) return { kind: "filled", value };
  const tree = parseMessage(value, "assert");
  if (tree.problems.length > 0)
    return {
      kind: "unfilled",
      problem: "the value holds a template that only promptfoo runs: run with promptfoo",
    };
  const rendered = renderTemplate(tree.nodes, vars);
  if (rendered.kind === "invalid") return { kind: "unfilled", problem: rendered.problems.join("; ") };
  return { kind: "filled", value: rendered.text };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isSameJson(text: string, value: JsonValue): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(value);
  } catch {
    return false;
  }
}
