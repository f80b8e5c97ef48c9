/** What one use case's run compares, on which cases, and what the registry will hold the result against. */
import { count } from "../text/spoken.ts";
import {
  type EvalCase,
  type EvalSet,
  formatProblem,
  type ParsedPrompt,
  parseShortVersion,
  shortVersion,
} from "@plumbline/prompts";
import { EVAL_BODY_BYTES_MAX, UseCaseSettings } from "@plumbline/schemas";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import type { Project } from "../project/load-project.ts";
import { settingsOf } from "../project/use-case-settings.ts";
import type { UseCaseAnswer } from "../registry/answers.ts";
import { envOf, incumbentOf, readUseCaseIfAny } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { candidateOf, type EvalVersion, incumbentFor, notPushed } from "./versions.ts";

export interface EvalPlan {
  readonly useCase: string;
  readonly env: string;
  readonly set: EvalSet;
  readonly cases: readonly EvalCase[];
  /** All cases of the split that the gate reads. Anything less is a trial run: the gate isn't asked. */
  readonly isWhole: boolean;
  /** The record goes to the registry, whose gate decides. */
  readonly isRecorded: boolean;
  readonly candidate: EvalVersion;
  /** Somebody else than its author approved the candidate before the run. */
  readonly isApproved: boolean;
  /** Null when there is nothing to compare with. */
  readonly incumbent: EvalVersion | null;
  readonly isIncumbentLive: boolean;
  /** What the result is held against: the registered ones for a record, else those of the files. */
  readonly settings: UseCaseSettings;
}

interface PlanRequest {
  /** `ticket-summary`, or a registered version: `ticket-summary@9be07d1f00aa`. */
  readonly target: string;
  readonly env: string;
  /** `live`, `none`, or a version. */
  readonly against: string;
  readonly split: string;
  readonly limit: number | null;
  readonly wantsRecord: boolean;
}

/** The split that the gate reads. */
export const GATE_SPLIT = "test";

/**
 * @param registry null when nothing of it is needed: nothing is recorded, and nothing compared with
 * @returns null when the candidate is what it would be compared with
 * @throws CommandFailure when something must be pushed or written first; before any money is spent
 */
export async function planEval(
  request: PlanRequest,
  project: Project,
  registry: RegistryClient | null,
): Promise<EvalPlan | null> {
  const { env, against, split, limit } = request;
  const useCase = parseShortVersion(request.target)?.use_case ?? request.target;
  const prompt = promptOf(useCase, project);
  const set = evalSetOf(prompt, project);
  const ofSplit = set.cases.filter((each) => each.split === split);
  if (ofSplit.length === 0) {
    const splits = [...new Set(set.cases.map((each) => each.split))].toSorted();
    throw new UsageError(`${set.file} has no cases of split ${split}; it has ${splits.join(", ")}`);
  }
  const cases = limit === null ? ofSplit : ofSplit.slice(0, limit);
  const isWhole = split === GATE_SPLIT && cases.length === ofSplit.length;

  const registered = registry === null ? null : await readUseCaseIfAny(registry, useCase);
  const candidate = await candidateOf(request.target, prompt, registered, registry);
  const live = incumbentOf(envOf(registered, env));
  const incumbent = await incumbentFor(against, live, registered, registry);
  if (against === "live" && incumbent?.prompt_version === candidate.prompt_version) return null;
  const isIncumbentLive = (incumbent?.prompt_version ?? null) === live;
  const isRecorded = request.wantsRecord && isWhole && isIncumbentLive;

  const local = settingsOf(prompt, project);
  if (isRecorded) {
    checkRegistered(useCase, candidate, local, registered);
    checkSize(useCase, set, cases, incumbent === null ? 1 : 2);
  }
  return {
    useCase,
    env,
    set,
    cases,
    isWhole,
    isRecorded,
    candidate,
    isApproved: approvalsOf(candidate, registered) > 0,
    incumbent,
    isIncumbentLive,
    settings: isRecorded && registered !== null ? UseCaseSettings.parse(registered.settings) : local,
  };
}

function approvalsOf({ prompt_version }: EvalVersion, registered: UseCaseAnswer | null): number {
  const version = registered?.versions.find((each) => each.prompt_version === prompt_version);
  return version?.approvals.length ?? 0;
}

function promptOf(useCase: string, { prompts, problems }: Project): ParsedPrompt {
  const prompt = prompts.find(({ document }) => document.use_case === useCase);
  if (prompt !== undefined) return prompt;
  const known = prompts.map(({ document }) => document.use_case);
  throw new CommandFailure(
    EXIT.config,
    "prompt-missing",
    [
      `No prompt file that can be read is of ${useCase}; there are ${known.length === 0 ? "none" : known.join(", ")}.`,
      ...problems.map(formatProblem),
    ].join("\n"),
    { next: "plumbline lint" },
  );
}

function evalSetOf({ file, eval_file, document }: ParsedPrompt, { evalSets, problems }: Project): EvalSet {
  const set = eval_file === null ? undefined : evalSets.get(eval_file);
  if (set !== undefined) return set;
  const wrong = problems.filter((problem) => problem.file === eval_file).map(formatProblem);
  throw new CommandFailure(
    EXIT.config,
    "eval-set-missing",
    eval_file === null
      ? `${file} names no eval set.`
      : [`${eval_file}, the eval set of ${document.use_case}, cannot be used.`, ...wrong].join("\n"),
    {
      next:
        eval_file === null
          ? `write plumbline.eval: evals/${document.use_case}.jsonl into it`
          : "plumbline lint",
    },
  );
}

/** Of the result of a case, everything but its id and slices: keys, numbers with all their digits. */
const RESULT_BYTES_MAX = 200;

/** @throws CommandFailure for more results than one record of an eval takes: said before the model is paid */
function checkSize(useCase: string, set: EvalSet, cases: readonly EvalCase[], sides: number): void {
  const bytes = cases.reduce(
    (sum, { id, slices }) =>
      sum + sides * (RESULT_BYTES_MAX + Buffer.byteLength(JSON.stringify([id, slices]))),
    0,
  );
  if (bytes <= EVAL_BODY_BYTES_MAX) return;
  throw new CommandFailure(
    EXIT.precondition,
    "eval-set-too-large",
    `The results of ${set.file} would take about ${bytes} bytes, and a recorded eval takes at most ${EVAL_BODY_BYTES_MAX}: the ids and slices of its ${count(cases.length, "case")} are too long.`,
    {
      next: `shorten them, move cases to another split, or plumbline eval ${useCase} --no-record for a look without the gate`,
    },
  );
}

/** What the gate would refuse after the run is said before it. */
function checkRegistered(
  useCase: string,
  { prompt_version }: EvalVersion,
  { eval_set: set, rubrics: here }: UseCaseSettings,
  registered: UseCaseAnswer | null,
): void {
  const isKnown = registered?.versions.some((each) => each.prompt_version === prompt_version);
  if (registered === null || isKnown !== true)
    throw notPushed(useCase, shortVersion(useCase, prompt_version));
  const { eval_set: evalSet, rubrics } = registered.settings;
  const names = [...new Set([...Object.keys(rubrics), ...Object.keys(here)])].toSorted();
  const stale = [
    ...(evalSet?.hash === set?.hash ? [] : ["eval set"]),
    ...names.filter((name) => rubrics[name] !== here[name]).map((name) => `rubric ${name}`),
  ];
  if (stale.length === 0) return;
  throw new CommandFailure(
    EXIT.precondition,
    "settings-not-pushed",
    `The registry has another ${stale.join(", ")} for ${useCase}, and its gate would refuse the result.`,
    {
      next: `plumbline push ${useCase}, or plumbline eval ${useCase} --no-record for a look without the gate`,
    },
  );
}
