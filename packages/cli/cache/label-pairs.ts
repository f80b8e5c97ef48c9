/** Whether one answer serves both questions, where the file does not say: by the judge that production uses. */
import type { Judge, Rubric } from "@plumbline/ports";
import { contentHash } from "@plumbline/prompts";
import type { Budget } from "../eval/budget.ts";
import type { QuestionPair } from "./read-pairs.ts";
import type { LabelledPair } from "./score-pairs.ts";

const CRITERION =
  "The output says what the reference answer says: the same facts, numbers and names, the same decision. Whoever asked the question is served by either.";

const RUBRIC: Rubric = {
  name: "consistency",
  version: 1,
  hash: contentHash({ criterion: CRITERION }),
  is_guardrail: false,
  criterion: CRITERION,
  pass_if: 0.9,
};

interface Labels {
  readonly labelled: readonly LabelledPair[];
  /** Pairs that were put to the judge. */
  readonly judged: number;
  /** Of these, the pairs about which it could say nothing; they are left out. */
  readonly unknown: number;
}

interface LabelDeps {
  readonly judge: Judge;
  readonly worstUsd: (texts: string) => number;
  readonly budget: Budget;
  readonly signal: AbortSignal;
}

/** Both ways round: either answer may be the one that is kept. Equal answers need no judge. */
export async function labelPairs(pairs: readonly QuestionPair[], deps: LabelDeps): Promise<Labels> {
  const labelled: LabelledPair[] = [];
  let judged = 0;
  let unknown = 0;
  for (const pair of pairs) {
    const { same, a, b, answer_a = "", answer_b = "" } = pair;
    if (same !== undefined || answer_a.trim() === answer_b.trim()) {
      labelled.push({ ...pair, isSame: same ?? true });
      continue;
    }
    judged++;
    const forB = await serves(b, answer_b, answer_a, deps);
    const forA = forB === false ? false : await serves(a, answer_a, answer_b, deps);
    if (forB === false || forA === false) labelled.push({ ...pair, isSame: false });
    else if (forA === true && forB === true) labelled.push({ ...pair, isSame: true });
    else unknown++;
  }
  return { labelled, judged, unknown };
}

/** Null when the judge can't say, or the budget is spent. */
async function serves(
  question: string,
  reference: string,
  answer: string,
  { judge, worstUsd, budget, signal }: LabelDeps,
): Promise<boolean | null> {
  const input = `${question}\n\nReference answer:\n${reference}`;
  const worst = worstUsd(`${CRITERION}${input}${answer}`);
  if (!(await budget.reserve(worst))) return null;
  let cost: number | null = 0;
  try {
    const verdict = await judge.judge({ rubric: RUBRIC, input, output: answer }, { signal });
    cost = verdict.cost_usd;
    return verdict.state === "scored" ? verdict.label === "pass" : null;
  } finally {
    budget.settle(worst, cost, judge.name);
  }
}
