/** Asks stored calls again, judges both answers, and keeps what came out. Writes nowhere but into its result. */
import type { AssertContext, EvalCase, PromptDocument } from "@plumbline/prompts";
import type { createAsk } from "../eval/ask-model.ts";
import type { Budget } from "../eval/budget.ts";
import type { Provider } from "../eval/provider.ts";
import { type StoredCall, toCase } from "./stored-calls.ts";

/** Another version of the prompt, and where its model is asked. */
export interface Challenger {
  readonly prompt_version: string;
  readonly document: PromptDocument;
  readonly provider: Provider;
}

interface ReplayDeps {
  /** Null: the stored answers are only judged again. */
  readonly challenger: Challenger | null;
  readonly ask: ReturnType<typeof createAsk>;
  readonly judge: NonNullable<AssertContext["judge"]>;
  readonly criterion: string;
  /** What ask and judge draw on. */
  readonly budget: Budget;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, of: number) => void;
}

export interface ReplayedCall {
  readonly call_id: string;
  readonly event_at: string;
  /** Of the stored call. */
  readonly prompt_version: string;
  /** Of the stored answer: by this judge, or as production has it when only the judge is another. In [0,1]. */
  readonly before: number;
  readonly after: number;
  readonly reason: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly output_before: string;
  readonly output_after: string;
  /** US dollars of the new answer; 0 when none was asked for, null when the price is unknown. */
  readonly cost_usd: number | null;
}

type Skipped = "no_variables" | "not_asked" | "not_answered" | "cannot_judge";

export interface Replay {
  readonly calls: readonly ReplayedCall[];
  readonly skipped: Readonly<Record<Skipped, number>>;
  /** Calls whose input stood for the prompt's only variable. */
  readonly input_used: number;
}

export async function replayCalls(stored: readonly StoredCall[], deps: ReplayDeps): Promise<Replay> {
  const calls: ReplayedCall[] = [];
  const skipped: Record<Skipped, number> = {
    no_variables: 0,
    not_asked: 0,
    not_answered: 0,
    cannot_judge: 0,
  };
  let input_used = 0;
  let done = 0;
  const queue = stored.values();
  const work = async (): Promise<void> => {
    for (const call of queue) {
      deps.signal.throwIfAborted();
      const made = toCase(call, deps.challenger?.document ?? null);
      if (made?.isInputUsed === true) input_used += 1;
      const result = made === null ? "no_variables" : await replayOne(call, made.case, deps);
      if (typeof result === "string") skipped[result] += 1;
      else calls.push(result);
      deps.onProgress((done += 1), stored.length);
    }
  };
  await Promise.all(Array.from({ length: deps.concurrency }, work));
  return {
    calls: calls.toSorted((a, b) => (a.event_at < b.event_at ? -1 : a.event_at > b.event_at ? 1 : 0)),
    skipped,
    input_used,
  };
}

async function replayOne(
  call: StoredCall,
  evalCase: EvalCase,
  deps: ReplayDeps,
): Promise<ReplayedCall | Skipped> {
  const { challenger, ask } = deps;
  let output = call.output;
  let cost: number | null = 0;
  if (challenger !== null) {
    const { provider, ...version } = challenger;
    const answer = await ask(provider, { ...version, case: evalCase, repeat: 0 });
    if (answer.kind !== "answered") return answer.kind === "not_asked" ? "not_asked" : "not_answered";
    output = answer.text;
    cost = answer.cost_usd;
  }
  const after = await score(evalCase, output, deps);
  if (typeof after === "string") return after;
  const before =
    challenger === null ? { score: call.stored_score, reason: "" } : await score(evalCase, call.output, deps);
  if (typeof before === "string") return before;
  if (before.score === null || after.score === null) return "cannot_judge";
  return {
    call_id: call.call_id,
    event_at: call.event_at,
    prompt_version: call.prompt_version,
    before: before.score,
    after: after.score,
    reason: after.reason,
    input: evalCase.vars,
    output_before: call.output,
    output_after: output,
    cost_usd: cost,
  };
}

async function score(
  evalCase: EvalCase,
  output: string,
  { judge, criterion, budget, signal }: ReplayDeps,
): Promise<{ readonly score: number | null; readonly reason: string } | "not_asked"> {
  try {
    const reply = await judge({ rubric: criterion, criterion: "", case: evalCase, output });
    return { score: reply.cannot_judge === true ? null : (reply.score ?? null), reason: reply.reason };
  } catch (error) {
    if (budget.isExhausted && !signal.aborted) return "not_asked";
    throw error;
  }
}
