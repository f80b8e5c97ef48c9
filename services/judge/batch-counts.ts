import { VERDICT_STATES, type Verdict } from "@plumbline/schemas";

/** What one pass over the work list came to. */
export class BatchCounts {
  readonly states: Record<string, number> = Object.fromEntries(VERDICT_STATES.map((state) => [state, 0]));
  readonly byRubric = new Map<string, Map<Verdict["state"], number>>();
  /** Of the verdicts whose cost is known, US dollars. */
  costUsd = 0;
  /** Answers of the judge whose cost is not known. */
  unpriced = 0;

  get isEmpty(): boolean {
    return this.byRubric.size === 0;
  }

  add({ state, cost_usd }: Verdict, rubric: string): void {
    this.states[state]! += 1;
    const states = this.byRubric.get(rubric) ?? new Map<Verdict["state"], number>();
    this.byRubric.set(rubric, states.set(state, (states.get(state) ?? 0) + 1));
    this.costUsd += cost_usd ?? 0;
    if (cost_usd === null && isAnswer(state)) this.unpriced += 1;
  }
}

function isAnswer(state: Verdict["state"]): boolean {
  return state === "scored" || state === "cannot_judge";
}
