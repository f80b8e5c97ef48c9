/** Puts `llm-rubric` asserts to the judge that production uses, with the project's rubrics. */
import { createJudge } from "@plumbline/adapters/llm/create-judge";
import type { Judge, Rubric, Clock } from "@plumbline/ports";
import {
  type AssertContext,
  contentHash,
  type EvalCase,
  type NamedRubric,
  rubricHash,
} from "@plumbline/prompts";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { JudgeChoiceConfig, judgeChoice } from "@plumbline/services/judge/config";
import { z } from "zod";
import type { CommandIo } from "../shell/command.ts";
import { secretOf } from "../project/project-options.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { Budget } from "./budget.ts";

interface JudgeDeps {
  readonly judge: Judge;
  /** Where it is asked: an answer of another endpoint is not its own. Empty for the lexical judge. */
  readonly endpoint: string;
  /** Worst case of one judgement, US dollars; 0 when it is free or the price is unknown. */
  readonly worstUsd: (texts: string) => number;
}

/**
 * `PLUMBLINE_JUDGE_PROVIDER` and friends, as the judge service reads them. Without them the lexical judge, whose name
 * says so.
 *
 * @throws InvalidConfigError, ConfigError
 */
export async function openJudge(
  io: Pick<CommandIo, "environment" | "directory">,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<JudgeDeps> {
  const key = await secretOf(io, "PLUMBLINE_JUDGE_API_KEY");
  const choice = judgeChoice(
    loadConfig(JudgeChoiceConfig, { ...io.environment, PLUMBLINE_JUDGE_API_KEY: key }),
  );
  return {
    judge: createJudge({ ...choice, clock, timeoutMs }),
    endpoint: choice.baseUrl ?? choice.provider,
    worstUsd: (texts) =>
      choice.provider === "lexical"
        ? 0
        : (choice.priceOf(
            {
              // A token is at least one byte.
              input_tokens: ROUNDS * (Buffer.byteLength(texts) + QUESTION_BYTES),
              cached_input_tokens: 0,
              // An answer that was cut is asked for once more with twice as many.
              output_tokens: (1 + 2) * choice.outputTokensMax,
            },
            new Date(clock.now()),
          ) ?? 0),
  };
}

/** A judgement that does not parse is asked for once more, with the first answer. */
const ROUNDS = 2;
const QUESTION_BYTES = 8_000;

/** A judgement that isn't there is never kept: the next run asks again. */
const CachedJudgement = z.object({
  state: z.literal("scored"),
  label: z.enum(["pass", "fail"]),
  score: z.number(),
  reason: z.string(),
});
type Judgement =
  | z.output<typeof CachedJudgement>
  | { readonly state: "cannot_judge"; readonly reason: string };

interface JudgeAnswersOptions extends JudgeDeps {
  readonly rubrics: ReadonlyMap<string, NamedRubric>;
  readonly cache: AnswerCache;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  /** The judge could not be reached; the reason is in the assert's result too. */
  readonly onUnreachable: () => void;
}

/** Every rejection is reported by the assert as not run, hence never a pass. */
export function createJudgeAnswers(options: JudgeAnswersOptions): NonNullable<AssertContext["judge"]> {
  const { judge, endpoint, worstUsd, rubrics, cache, budget, signal } = options;

  async function ask(rubric: Rubric, input: string, output: string): Promise<Judgement> {
    const key = { judge: judge.name, endpoint, rubric, input, output };
    const cached = await cache.get(key, CachedJudgement);
    if (cached !== null) return cached;
    const worst = worstUsd(`${rubric.criterion}${input}${output}`);
    if (!(await budget.reserve(worst))) throw new Error("the budget was spent before it was asked");
    let cost: number | null = 0;
    try {
      const answer = await judge.judge({ rubric, input, output }, { signal });
      cost = answer.cost_usd;
      if (answer.state === "scored") await cache.put(key, answer);
      return answer;
    } catch (error) {
      options.onUnreachable();
      throw error;
    } finally {
      budget.settle(worst, cost, judge.name);
    }
  }

  return async ({ rubric: name, criterion, case: evalCase, output }) => {
    const file = name === null ? null : rubrics.get(name);
    if (file === undefined) throw new Error(`there is no rubric ${name}; add rubrics/${name}.yaml`);
    const rubric = file === null ? inlineRubric(criterion) : toRubric(file);
    const answer = await ask(rubric, inputOf(evalCase, file), output);
    return answer.state === "scored"
      ? { pass: answer.label === "pass", score: answer.score, reason: answer.reason }
      : { cannot_judge: true, reason: answer.reason };
  };
}

function toRubric(file: NamedRubric): Rubric {
  if (file.criterion === undefined || typeof file.prompt === "string" || file.method !== "statements") {
    throw new Error(
      `rubric ${file.name} needs a criterion, method statements and no prompt of its own to be judged here`,
    );
  }
  return {
    name: file.name,
    version: file.version,
    hash: rubricHash(file),
    is_guardrail: file.guardrail,
    ...(file.protects === undefined ? {} : { protects: file.protects }),
    criterion: file.criterion,
    pass_if: file.pass_if,
  };
}

function inlineRubric(criterion: string): Rubric {
  return {
    name: "criterion",
    version: 1,
    hash: contentHash({ criterion }),
    is_guardrail: false,
    criterion,
    pass_if: 1,
  };
}

/** The case's variables, not the rendered prompt: what the judge reads must not depend on the version. */
function inputOf({ vars, expected }: EvalCase, rubric: NamedRubric | null): string {
  const entries = Object.entries(vars).map(
    ([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)] as const,
  );
  const input =
    entries.length === 1 ? entries[0]![1] : entries.map(([name, text]) => `${name}: ${text}`).join("\n");
  const readsExpected = rubric?.inputs.some((each) => each.startsWith("expected")) === true;
  return readsExpected && expected !== null ? `${input}\n\nReference answer:\n${expected}` : input;
}
