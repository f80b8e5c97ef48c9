import {
  diffPrompts,
  formatDiff,
  prefixChange,
  type ChangedField,
  type PromptDiff,
} from "@plumbline/prompts";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { diffAround } from "../deploy/diff-around.ts";
import {
  isFile,
  LIVE,
  onlyUseCase,
  readSide,
  TREE,
  useCaseIn,
  type Side,
  type SideContext,
} from "../deploy/diff-sides.ts";
import { describePrefix } from "../prefix/describe-prefix.ts";
import { pricePrefix, type PricedPrefix } from "../prefix/price-prefix.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { openSqlEndpoint, type SqlEndpoint } from "../sql/sql-endpoint.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openProject,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../project/project-options.ts";
import type { Project } from "../project/load-project.ts";
import { formatFinding, fromProblem } from "../project/finding.ts";

interface DiffFlags extends RegistryFlags, EnvFlags {
  readonly useCase?: string;
  readonly word: boolean;
  readonly sql?: string;
}

export const addDiff: AddCommand = (program, context) => {
  const command = program
    .command("diff")
    .summary("what changed between two versions")
    .description(
      "Shows how prompts, their policies and what they are judged by differ, and what that does to the part that the provider caches. Without arguments: from what is live to the working tree. A and B are versions (v3, use-case@<12 hex>), live, tree, or prompt files; one version alone is compared with the working tree, one file or use case with what is live.",
    )
    .argument("[a]", "the older side")
    .argument("[b]", "the newer side")
    .addHelpText(
      "before",
      `Examples:
  plumbline diff
  plumbline diff ticket-summary --word
  plumbline diff v2 v3 --use-case ticket-summary
  plumbline diff live prompts/ticket-summary.prompt
`,
    );
  addEnvOption(addRegistryOptions(command))
    .option("--use-case <name>", "whose versions v3 and live are (default: the only one of the project)")
    .option(
      "--sql <url>",
      "ClickHouse's HTTP interface, to price an edit by the calls of the last day (default: PLUMBLINE_SQL_URL, then local mode's)",
    )
    .option("--word", "mark the words that changed within a line", false)
    .action(async (a: string | undefined, b: string | undefined, flags: DiffFlags) => {
      const project = await openProject(context, flags);
      warnOfBroken(project, context);
      const sides: PricedSides = {
        sql: openSqlEndpoint(context.io, flags.sql),
        now: context.clock.now(),
        project,
        registry: await openRegistry(context, flags, project),
        env: checkEnv(flags, project.config),
        directory: context.io.directory,
      };
      const diffs: Difference[] = [];
      for (const [from, to, useCase] of pairsOf(a, b, flags.useCase, project))
        diffs.push(await compare(from, to, useCase, sides));
      context.answer({ diffs }, diffs.map((each) => describe(each, flags)).join("\n"));
    });
};

type Pair = readonly [from: string, to: string, useCase: string];

/** What is compared with what, from the older side to the newer. */
function pairsOf(
  a: string | undefined,
  b: string | undefined,
  named: string | undefined,
  project: Project,
): readonly Pair[] {
  if (a === undefined) {
    const useCases = named === undefined ? project.prompts.map(({ document }) => document.use_case) : [named];
    return useCases.map((useCase) => [LIVE, TREE, useCase]);
  }
  // Only versions and `live` need a use case; a file brings its own.
  const useCase = named ?? useCaseIn(a, project) ?? (b === undefined ? null : useCaseIn(b, project));
  if (b !== undefined)
    return [[a, b, useCase ?? (isFile(a) && isFile(b) ? "" : onlyUseCaseOf(a, b, project))]];
  if (isFile(a)) return [[LIVE, a, useCase ?? onlyUseCaseOf(a, LIVE, project)]];
  return [a === useCase ? [LIVE, TREE, useCase] : [a, TREE, useCase ?? onlyUseCase(project)]];
}

/** A prompt file of the project on one side says which use case the other side is of. */
function onlyUseCaseOf(a: string, b: string, project: Project): string {
  const file = project.prompts.find((prompt) =>
    [a, b].some((each) => isFile(each) && each.replace(/^\.\//, "") === prompt.file),
  );
  return file?.document.use_case ?? onlyUseCase(project);
}

interface PricedSides extends SideContext {
  readonly sql: SqlEndpoint;
  /** Ms since the epoch. */
  readonly now: number;
}

interface Difference {
  readonly use_case: string;
  readonly from: Pick<Side, "name" | "prompt_version"> | null;
  readonly to: Pick<Side, "name" | "prompt_version">;
  /** Null when there is nothing to compare with. */
  readonly prompt: PromptDiff | null;
  /** Null when all of the part that the provider caches stays. */
  readonly prefix: PricedPrefix | null;
  /** Policy and settings, when the working tree is compared with what is live. */
  readonly around: readonly ChangedField[];
}

async function compare(from: string, to: string, useCase: string, sides: PricedSides): Promise<Difference> {
  const [older, newer] = await Promise.all([readSide(from, useCase, sides), readSide(to, useCase, sides)]);
  if (newer === null)
    throw new CommandFailure(
      EXIT.precondition,
      "nothing-live",
      `Nothing of ${useCase} is live in ${sides.env}.`,
    );
  const isWithTree = (older === null || older.kind === "live") && newer.kind === "tree";
  return {
    use_case: newer.useCase,
    from: older === null ? null : { name: older.name, prompt_version: older.prompt_version },
    to: { name: newer.name, prompt_version: newer.prompt_version },
    prompt: older === null ? null : diffPrompts(older.document, newer.document),
    prefix: older === null ? null : await prefixOf(older, newer, sides),
    around: isWithTree ? await diffAround(useCase, sides.project, sides.registry, sides.env) : [],
  };
}

async function prefixOf(
  older: Side,
  newer: Side,
  { sql, env, now }: PricedSides,
): Promise<PricedPrefix | null> {
  const change = prefixChange(older.document, newer.document);
  if (change === null) return null;
  return pricePrefix(change, { useCase: newer.useCase, env, model: older.document.model, now }, sql);
}

function describe(
  { use_case, from, to, prompt, prefix, around }: Difference,
  { word, env }: DiffFlags,
): string {
  if (from === null || prompt === null)
    return `${use_case}: nothing is live in ${env}; the ${to.name} would be the first\n`;
  const head = `${use_case}: ${from.name} → ${to.name}`;
  if (prompt.is_same && around.length === 0) return `${head}: no change\n`;
  const lines = [
    head,
    prompt.is_same ? "prompt: no change" : formatDiff(prompt, { words: word }).trimEnd(),
    // A prompt too short to be cached loses nothing.
    ...(prefix === null || prefix.before.cached_tokens === 0 ? [] : [describePrefix(prefix)]),
    ...around.map(({ field, before, after }) => `${field}: ${valueOf(before)} → ${valueOf(after)}`),
  ];
  return `${lines.join("\n")}\n`;
}

function valueOf(value: ChangedField["before"]): string {
  if (value === undefined) return "(none)";
  return JSON.stringify(value).replace(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "sha256:$1");
}

function warnOfBroken({ problems }: Project, context: CommandContext): void {
  for (const problem of problems)
    if (problem.file.endsWith(".prompt"))
      context.warn(`left out: ${formatFinding(fromProblem(problem, "error"))}`);
}
