/** Opens what a replay needs, runs it, and describes what came out. */
import { count } from "../text/spoken.ts";
import { parseShortVersion, shortVersion } from "@plumbline/prompts";
import { ConfigFile, DAY_MS, RubricFile } from "@plumbline/schemas";
import type { NamedRubric } from "@plumbline/prompts";
import { DEFAULT_RUBRICS } from "@plumbline/services/judge/default-rubric";
import type { CommandContext } from "../shell/command.ts";
import { NO_CACHE } from "../eval/answer-cache.ts";
import { createAsk } from "../eval/ask-model.ts";
import { createBudget } from "../eval/budget.ts";
import { createJudgeAnswers, openJudge } from "../eval/judge-answers.ts";
import { openProvider } from "../eval/provider.ts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import { createProgress } from "../shell/progress.ts";
import { openConfigIfAny, openRegistry, type RegistryFlags } from "../project/project-options.ts";
import { loadProject } from "../project/load-project.ts";
import { VersionAnswer } from "../registry/answers.ts";
import { openSqlEndpoint } from "../sql/sql-endpoint.ts";
import { compareScores, type ReplayReport } from "./describe-replay.ts";
import { type Challenger, replayCalls, type ReplayedCall } from "./replay-calls.ts";
import { readStoredCalls } from "./stored-calls.ts";

export interface ReplayFlags extends RegistryFlags {
  readonly sql?: string;
  readonly version?: string;
  /** A provider of `PLUMBLINE_JUDGE_PROVIDER`, or true for the configured one. */
  readonly judge?: string | true;
  readonly rubric?: string;
  readonly env?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
  readonly maxCost?: number;
}

interface ReplayDone {
  readonly report: ReplayReport;
  /** With texts. */
  readonly calls: readonly ReplayedCall[];
}

export async function runReplay(
  useCase: string,
  flags: ReplayFlags,
  context: CommandContext,
): Promise<ReplayDone> {
  const { io, clock } = context;
  const { signal } = io;
  const found = await openConfigIfAny(context, flags);
  const project = found === null ? null : await loadProject(found);
  const config = found?.config ?? ConfigFile.parse({});
  const to = flags.to ?? clock.now();
  const from = flags.from ?? to - DAY_MS;
  if (from >= to) throw new UsageError("--from must be before --to");

  const { timeout_ms: timeoutMs, concurrency } = config.eval;
  const rubric = chooseRubric(flags.rubric, project?.rubrics ?? new Map());
  const judged = await openJudge(judgeIo(io, flags.judge), { clock, timeoutMs });
  const challenger = await openChallenger(useCase, flags, context, timeoutMs);
  const endpoint = openSqlEndpoint(io, flags.sql);
  const { counts, calls } = await readStoredCalls(endpoint, {
    useCase,
    env: flags.env ?? "",
    from,
    to,
    limit: flags.limit,
    criterion: rubric.name,
    isScored: challenger === null,
  });
  if (calls.length === 0) throw nothingToReplay(useCase, challenger === null, rubric.name, counts.calls);

  const budget = createBudget(flags.maxCost ?? config.eval.max_cost_usd);
  const progress = createProgress(io.stderr, () => performance.now());
  const replay = await replayCalls(calls, {
    challenger,
    ask: createAsk({ cache: NO_CACHE, budget, clock, signal }),
    judge: createJudgeAnswers({
      ...judged,
      rubrics: new Map([[rubric.name, rubric]]),
      cache: NO_CACHE,
      budget,
      signal,
      // It ends the replay with its own error.
      onUnreachable: () => undefined,
    }),
    criterion: rubric.name,
    budget,
    concurrency,
    signal,
    onProgress: (done, of) => {
      if (!context.isJson)
        progress.update(done, of, `${done} of ${count(of, "call")}, $${budget.spentUsd.toFixed(4)}`);
    },
  }).finally(() => progress.end());

  const storedJudges = [...new Set(calls.map(({ stored_judge }) => stored_judge ?? "").filter(Boolean))];
  const report: ReplayReport = {
    use_case: useCase,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    criterion: rubric.name,
    before: challenger === null ? `stored, by ${storedJudges.join(" and ")}` : "stored answers",
    after:
      challenger === null ? `now, by ${judged.judge.name}` : shortVersion(useCase, challenger.prompt_version),
    judge: judged.judge.name,
    found: counts,
    replayed: replay.calls.length,
    skipped: replay.skipped,
    input_used: replay.input_used,
    is_budget_spent: budget.isExhausted,
    cost_usd: budget.spentUsd,
    unpriced: [...budget.unpriced].map(([who, answers]) => ({ who, answers })),
    scores: compareScores(replay.calls),
    calls: replay.calls.map(
      ({ input: _input, output_before: _before, output_after: _after, ...rest }) => rest,
    ),
  };
  return { report, calls: replay.calls };
}

function judgeIo(io: CommandContext["io"], who: ReplayFlags["judge"]): CommandContext["io"] {
  return typeof who === "string"
    ? { ...io, environment: { ...io.environment, PLUMBLINE_JUDGE_PROVIDER: who } }
    : io;
}

/** A rubric of the project, else the one that production judges every use case by. */
function chooseRubric(name: string | undefined, rubrics: ReadonlyMap<string, NamedRubric>): NamedRubric {
  const usual = DEFAULT_RUBRICS[0]!;
  const wanted = name ?? usual.name;
  const own = name === undefined ? undefined : rubrics.get(wanted);
  if (own?.criterion !== undefined && typeof own.prompt !== "string" && own.method === "statements")
    return own;
  if (own !== undefined) {
    throw new CommandFailure(
      EXIT.config,
      "rubric-unusable",
      `The rubric ${wanted} cannot be judged here: it needs a criterion, method statements and no prompt of its own.`,
      { next: `correct rubrics/${wanted}.yaml, or leave --rubric out for ${usual.name}` },
    );
  }
  if (wanted === usual.name) {
    const { version, is_guardrail: guardrail, criterion, pass_if } = usual;
    return { ...RubricFile.parse({ version, guardrail, criterion, pass_if }), name: usual.name };
  }
  throw new CommandFailure(
    EXIT.precondition,
    "rubric-unknown",
    `There is no rubric ${wanted} in this project.`,
    {
      next: `create rubrics/${wanted}.yaml, or leave --rubric out for ${usual.name}`,
    },
  );
}

async function openChallenger(
  useCase: string,
  flags: ReplayFlags,
  context: CommandContext,
  timeoutMs: number,
): Promise<Challenger | null> {
  if (flags.version === undefined) return null;
  const short = parseShortVersion(flags.version);
  if (short !== null && short.use_case !== useCase)
    throw new UsageError(`${flags.version} is a version of ${short.use_case}, not of ${useCase}`);
  const registry = await openRegistry(context, flags);
  const { prompt_version, document } = await registry.get(
    `/v1/use-cases/${encodeURIComponent(useCase)}/versions/${encodeURIComponent(short?.hex ?? flags.version)}`,
    VersionAnswer,
  );
  const { io, clock } = context;
  const provider = await openProvider(document.model, { io, clock, timeoutMs });
  return { prompt_version, document: document as Challenger["document"], provider };
}

function nothingToReplay(
  useCase: string,
  isJudgeOnly: boolean,
  criterion: string,
  calls: number,
): CommandFailure {
  const of =
    calls === 0
      ? `There are no calls of ${useCase} in this time`
      : `${calls === 1 ? "The only call" : `None of the ${count(calls, "call")}`} of ${useCase} in this time has ${calls === 1 ? "no texts" : "its texts"} stored`;
  return new CommandFailure(
    EXIT.precondition,
    "nothing-to-replay",
    `${of}${isJudgeOnly && calls > 0 ? `, or none has a score on ${criterion}` : ""}.`,
    { next: "another --from and --to; the emitter's capture must be full" },
  );
}
