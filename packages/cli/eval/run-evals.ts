/** Plans and runs the evals of the asked use cases, one after the other, and records what is worth recording. */
import { count } from "../text/spoken.ts";
import { resolve } from "node:path";
import type { CommandContext } from "../shell/command.ts";
import { UsageError } from "../shell/failure.ts";
import { createProgress } from "../shell/progress.ts";
import type { Project } from "../project/load-project.ts";
import {
  checkEnv,
  type EnvFlags,
  openProject,
  openRegistry,
  type RegistryFlags,
} from "../project/project-options.ts";
import { NO_CACHE, openAnswerCache } from "./answer-cache.ts";
import { createBudget } from "./budget.ts";
import { decide } from "./decide.ts";
import { createJudgeAnswers, openJudge } from "./judge-answers.ts";
import { type EvalPlan, planEval } from "./plan.ts";
import { openProvider } from "./provider.ts";
import type { EvalReport } from "./report.ts";
import { runCases } from "./run-cases.ts";
import { summarise } from "./summarise.ts";

/** Below the project, unless another folder is named. */
export const DEFAULT_CACHE = ".plumbline/eval-cache";

export interface EvalFlags extends RegistryFlags, EnvFlags {
  readonly against: string;
  readonly split: string;
  readonly limit?: number;
  readonly repeat?: number;
  readonly concurrency?: number;
  readonly maxCost?: number;
  readonly record: boolean;
  readonly junit?: string;
  readonly markdown?: string;
  readonly out?: string;
  /** A folder, or false for `--no-cache`. */
  readonly cache: string | false;
}

interface EvalsDone {
  readonly reports: readonly EvalReport[];
  /** Use cases whose prompt is live as it is. */
  readonly unchanged: readonly string[];
}

/** Everything is planned before the first request, so that a mistake costs nothing. The budget is one for all. */
export async function runEvals(
  targets: readonly string[],
  flags: EvalFlags,
  context: CommandContext,
): Promise<EvalsDone> {
  const { io, clock } = context;
  const project = await openProject(context, flags);
  const { config } = project;
  const env = checkEnv(flags, config);
  const asked = targets.length > 0 ? targets : useCasesWithEvals(project.prompts);
  const needsRegistry = flags.record || flags.against !== "none";
  const registry = needsRegistry ? await openRegistry(context, flags, project) : null;

  const plans: EvalPlan[] = [];
  const unchanged: string[] = [];
  for (const target of asked) {
    const { against, split, limit = null, record } = flags;
    const plan = await planEval(
      { target, env, against, split, limit, wantsRecord: record },
      project,
      registry,
    );
    if (plan === null) unchanged.push(target);
    else plans.push(plan);
  }
  if (plans.length === 0) return { reports: [], unchanged };

  const { timeout_ms: timeoutMs } = config.eval;
  const providerOf = (model: string) => openProvider(model, { io, clock, timeoutMs });
  const ready = [];
  for (const plan of plans) {
    const candidate = await providerOf(plan.candidate.document.model);
    const incumbent = plan.incumbent === null ? null : await providerOf(plan.incumbent.document.model);
    ready.push({ plan, providers: { candidate, incumbent } });
    warnAbout(plan, candidate.costOf(ONE_OF_EACH), context);
  }

  const judge = await openJudge(io, { clock, timeoutMs });
  warnAboutRubrics(plans, project, judge.judge.name, context);
  const cache =
    flags.cache === false
      ? NO_CACHE
      : await openAnswerCache(
          flags.cache === DEFAULT_CACHE
            ? resolve(project.root, flags.cache)
            : resolve(io.directory, flags.cache),
          () => clock.now(),
        );
  const maxUsd = flags.maxCost ?? config.eval.max_cost_usd;
  const budget = createBudget(maxUsd);
  const repeat = flags.repeat ?? config.eval.repeat;
  let judgeFailures = 0;
  const ask = createJudgeAnswers({
    ...judge,
    rubrics: project.rubrics,
    cache,
    budget,
    signal: io.signal,
    onUnreachable: () => (judgeFailures += 1),
  });

  const reports: EvalReport[] = [];
  for (const { plan, providers } of ready) {
    const spentBefore = budget.spentUsd;
    const unpricedBefore = new Map(budget.unpriced);
    judgeFailures = 0;
    const progress = createProgress(io.stderr, () => performance.now());
    const runs = await runCases(plan, providers, {
      cache,
      budget,
      clock,
      signal: io.signal,
      judge: ask,
      concurrency: flags.concurrency ?? config.eval.concurrency,
      repeat,
      onProgress: (done, planned) =>
        progress.update(done, planned, `${plan.useCase}: ${done} of ${count(planned, "answer")}`),
    }).finally(() => progress.end());
    const finishedAt = new Date(clock.now());
    const summary = summarise(plan, runs, { repeat, judge: judge.judge.name, finishedAt });
    const failed = runs.runs.filter(({ problem }) => problem !== null).length + judgeFailures;
    const { gate, isRecorded } = await decide(plan, summary, failed, { registry, isKept: cache.isKept });
    reports.push({
      plan,
      runs,
      summary,
      gate,
      isRecorded,
      judge: judge.judge.name,
      repeat,
      spentUsd: budget.spentUsd - spentBefore,
      unpriced: [...budget.unpriced]
        .map(([who, answers]) => ({ who, answers: answers - (unpricedBefore.get(who) ?? 0) }))
        .filter(({ answers }) => answers > 0),
      maxUsd,
    });
  }
  return { reports, unchanged };
}

const ONE_OF_EACH = {
  input_tokens: 1,
  cached_input_tokens: 0,
  cache_write_input_tokens: 0,
  output_tokens: 1,
};

function useCasesWithEvals(
  prompts: readonly { readonly eval_file: string | null; readonly document: { readonly use_case: string } }[],
): readonly string[] {
  const names = prompts.flatMap(({ eval_file, document }) => (eval_file === null ? [] : [document.use_case]));
  if (names.length > 0) return names;
  throw new UsageError("No prompt of the project names an eval set; write plumbline.eval: evals/… into one");
}

function warnAbout(plan: EvalPlan, price: number | null, context: CommandContext): void {
  if (price === null) {
    context.warn(
      `the price of ${plan.candidate.document.model} is unknown, so --max-cost cannot hold; set PLUMBLINE_PROVIDER_<NAME>_USD_PER_MILLION_INPUT and _OUTPUT`,
    );
  }
  if (plan.isWhole && !plan.isIncumbentLive && !plan.isRecorded) {
    context.warn(`compared with something else than what is live in ${plan.env}, so it is not recorded`);
  }
}

/** A verdict is worth what its judge is: a rubric that names a model is not silently judged by another one. */
function warnAboutRubrics(
  plans: readonly EvalPlan[],
  { rubrics }: Project,
  judge: string,
  context: CommandContext,
): void {
  for (const name of new Set(plans.flatMap((plan) => Object.keys(plan.settings.rubrics)))) {
    const model = rubrics.get(name)?.model?.id;
    if (model === undefined || model === judge) continue;
    context.warn(
      `the rubric ${name} asks for ${model}, but "${judge}" judges; set PLUMBLINE_JUDGE_PROVIDER and PLUMBLINE_JUDGE_MODEL`,
    );
  }
}
