/** Asks both versions every case, as often as wished, several at a time, and checks each answer. */
import { type AssertContext, type CaseOutcome, type EvalCase, runAsserts } from "@plumbline/prompts";
import { type AskDeps, createAsk } from "./ask-model.ts";
import type { EvalPlan } from "./plan.ts";
import type { Provider } from "./provider.ts";
import type { EvalVersion } from "./versions.ts";

export type Side = "candidate" | "incumbent";

/** One answer, checked. */
export interface CaseRun {
  readonly side: Side;
  readonly case: EvalCase;
  /** From 0. */
  readonly repeat: number;
  /** Null when there is no answer, or the model refused or said nothing. */
  readonly output: string | null;
  readonly outcome: CaseOutcome | null;
  readonly cost_usd: number | null;
  readonly latency_ms: number | null;
  readonly is_cached: boolean;
  /** Why no answer came, which says nothing about the prompt. */
  readonly problem: string | null;
  /** Why the model gave none, although it was asked. */
  readonly lack: string | null;
}

export interface CaseRuns {
  readonly runs: readonly CaseRun[];
  /** Answers that were planned. */
  readonly planned: number;
}

interface RunDeps extends AskDeps {
  readonly judge: NonNullable<AssertContext["judge"]>;
  readonly concurrency: number;
  readonly repeat: number;
  readonly onProgress: (done: number, planned: number) => void;
}

/**
 * Both versions of a case stand next to each other, so that a slow hour of a provider meets both.
 *
 * @throws CommandFailure when the provider cannot be used; whatever aborted the signal
 */
export async function runCases(
  plan: EvalPlan,
  providers: Readonly<Record<Side, Provider | null>>,
  deps: RunDeps,
): Promise<CaseRuns> {
  const { budget, signal, judge, repeat: repeats } = deps;
  const ask = createAsk(deps);
  const sides: readonly (readonly [Side, EvalVersion, Provider])[] = [
    ["candidate", plan.candidate, providers.candidate!],
    ...(plan.incumbent === null || providers.incumbent === null
      ? []
      : ([["incumbent", plan.incumbent, providers.incumbent]] as const)),
  ];
  const jobs = plan.cases.flatMap((each) =>
    Array.from({ length: repeats }, (_, repeat) => repeat).flatMap((repeat) =>
      sides.map(([side, version, provider]) => ({ case: each, repeat, side, version, provider })),
    ),
  );
  const runs: CaseRun[] = [];

  async function run({ case: evalCase, repeat, side, version, provider }: (typeof jobs)[number]) {
    const { prompt_version, document } = version;
    const answer = await ask(provider, { prompt_version, document, case: evalCase, repeat });
    if (answer.kind === "not_asked") return;
    const base = { side, case: evalCase, repeat };
    if (answer.kind === "failed") {
      const none = { output: null, outcome: null, cost_usd: null, latency_ms: null, is_cached: false };
      runs.push({ ...base, ...none, problem: answer.reason, lack: null });
      return;
    }
    if (answer.kind === "unanswered") {
      // Asserts on a text that isn't there would pass whatever it must not contain.
      const { reason: lack, cost_usd, latency_ms } = answer;
      const none = { output: null, outcome: null, is_cached: false, problem: null };
      runs.push({ ...base, ...none, cost_usd, latency_ms, lack });
      return;
    }
    const { text: output, cost_usd, latency_ms, is_cached } = answer;
    const outcome = await runAsserts(evalCase, { output, cost_usd, latency_ms }, { judge });
    // Asserts report a judge that was interrupted as not run; such a result is none.
    signal.throwIfAborted();
    // The money was enough for the answer but not for its judge: undone, not unscored.
    if (budget.isExhausted && outcome.outcome === "not_run") return;
    runs.push({ ...base, output, outcome, cost_usd, latency_ms, is_cached, problem: null, lack: null });
  }

  let next = 0;
  let hasFailed = false;
  async function work(): Promise<void> {
    while (!hasFailed && !budget.isExhausted) {
      signal.throwIfAborted();
      const job = jobs[next];
      if (job === undefined) return;
      next += 1;
      try {
        await run(job);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      deps.onProgress(runs.length, jobs.length);
    }
  }

  const workers = await Promise.allSettled(Array.from({ length: deps.concurrency }, work));
  for (const worker of workers) if (worker.status === "rejected") throw worker.reason;
  return { runs, planned: jobs.length };
}
