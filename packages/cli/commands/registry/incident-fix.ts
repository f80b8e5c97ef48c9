import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command as Program } from "commander";
import type { IncidentView } from "@plumbline/schemas";
import { caseLines, type FailingCall, readFailingCalls, withCases } from "../../fix/failing-cases.ts";
import { readGoodPrompt } from "../../fix/good-prompt.ts";
import { commitOnBranch, readGitState } from "../../git/git.ts";
import {
  openProject,
  openRegistry,
  addRegistryOptions,
  type RegistryFlags,
} from "../../project/project-options.ts";
import type { Project } from "../../project/load-project.ts";
import { VersionAnswer } from "../../registry/answers.ts";
import type { CommandContext } from "../../shell/command.ts";
import { CommandFailure, EXIT } from "../../shell/failure.ts";
import { wholeNumber } from "../../sql/read-window.ts";
import { openSqlEndpoint } from "../../sql/sql-endpoint.ts";
import { count } from "../../text/spoken.ts";
import { readIncident } from "../../registry/read-incident.ts";

interface FixFlags extends RegistryFlags {
  readonly sql?: string;
  readonly cases: number;
}

const CASES_DEFAULT = 20;
const CASES_MAX = 500;

export function addFix(incidents: Program, context: CommandContext): void {
  const fix = incidents
    .command("fix")
    .summary("a branch with the last good prompt, and the failing calls as eval cases")
    .description(
      "Makes a git branch, puts the prompt back to the version before, and adds calls that failed to its eval set, with the answers that the version before gave to the same inputs. Then the gate asks for them before every promotion. Nothing is pushed.",
    )
    .argument("<alert>", "inc_ and 16 hex digits, as the alert shows it");
  addRegistryOptions(fix)
    .option(
      "--cases <n>",
      `most cases that are added; 0 to ${CASES_MAX}`,
      wholeNumber(0, CASES_MAX),
      CASES_DEFAULT,
    )
    .option("--sql <url>", "ClickHouse's HTTP interface, for the texts (default: PLUMBLINE_SQL_URL)")
    .action(async (id: string, flags: FixFlags) => {
      const project = await openProject(context, flags);
      const registry = await openRegistry(context, flags, project);
      const incident = await readIncident(registry, id);
      const { use_case, candidate, incumbent } = incident;
      const current = project.prompts.find(({ document }) => document.use_case === use_case);
      if (incumbent?.number == null || candidate.number === null) throw noVersion(incident);
      if (current === undefined) throw noPrompt(use_case);
      const path = `/v1/use-cases/${encodeURIComponent(use_case)}/versions/${incumbent.prompt_version}`;
      const good = await registry.get(path, VersionAnswer);
      const { text, prompt, isChanged } = await readGoodPrompt(project.root, current, good);
      const evalFile = prompt.eval_file ?? current.eval_file;
      await assertClean(project, [current.file, ...(evalFile === null ? [] : [evalFile])]);
      const calls =
        evalFile === null ? [] : await readCalls(incident, incumbent.prompt_version, flags, context);
      const set =
        evalFile === null ? "" : await readFile(join(project.root, evalFile), "utf8").catch(() => "");
      const lines = caseLines(calls, {
        incident: id,
        criterion: incident.metric,
        hasRubric: project.rubrics.has(incident.metric),
        document: prompt.document,
        today: new Date(context.clock.now()).toISOString().slice(0, 10),
      });
      const { text: cases, added } = withCases(set, lines);
      const files = new Map<string, string>([
        ...(isChanged ? [[current.file, text] as const] : []),
        ...(evalFile !== null && added > 0 ? [[evalFile, cases] as const] : []),
      ]);
      if (files.size === 0) throw nothingToFix(id);
      const branch = `plumbline/fix-${id}`;
      const what = `${isChanged ? `put ${use_case} back to v${incumbent.number}` : `keep ${use_case} as v${incumbent.number}`}, ${count(added, "case")}`;
      await commitOnBranch(project.root, branch, [...files.keys()], `${id}: ${what}`, async () => {
        for (const [file, content] of files) await writeFile(join(project.root, file), content);
      });
      context.answer({ branch, files: [...files.keys()], cases: added }, `${branch}  ${what}`);
      if (evalFile === null)
        context.warn(`${current.file} names no eval set (plumbline.eval): no case was added`);
      if (added > 0 && !project.rubrics.has(incident.metric))
        context.warn(
          `the project has no rubric ${incident.metric}: add an assert to each case, or it has no score`,
        );
      if (added > 0)
        context.say(
          `${evalFile} now holds texts of customers, as they were captured: read them before you push.`,
        );
      context.say(`Next: git push -u origin ${branch}, and open a pull request`);
    });
}

async function readCalls(
  { use_case, env, kind, metric, candidate, slices }: IncidentView,
  good: string,
  { sql, cases }: FixFlags,
  context: CommandContext,
): Promise<readonly FailingCall[]> {
  if (kind !== "quality" || cases === 0) return [];
  return readFailingCalls(openSqlEndpoint(context.io, sql), {
    useCase: use_case,
    env,
    bad: candidate.prompt_version,
    good,
    criterion: metric,
    slice: slices[0] ?? null,
    limit: cases,
  });
}

/** What is not committed must not end up in the commit of a fix. */
async function assertClean({ root }: Project, files: readonly string[]): Promise<void> {
  const state = await readGitState(root, files);
  if (state === null || state.commit === null) {
    throw new CommandFailure(EXIT.precondition, "no-git", `${root} is no git repository with a commit.`, {
      next: "git init, and commit the project",
    });
  }
  if (state.dirty.length === 0) return;
  throw new CommandFailure(
    EXIT.precondition,
    "not-committed",
    `These are not committed, and would be part of the fix: ${state.dirty.join(", ")}.`,
    { next: "commit or stash them" },
  );
}

function noVersion({ incident_id, use_case }: IncidentView): CommandFailure {
  return new CommandFailure(
    EXIT.precondition,
    "no-version",
    `${incident_id} does not compare two versions that the registry knows.`,
    { next: `plumbline history ${use_case}` },
  );
}

function noPrompt(useCase: string): CommandFailure {
  return new CommandFailure(EXIT.precondition, "no-prompt", `No prompt of this project is of ${useCase}.`, {
    next: "run it in the project of the prompt, or give --project",
  });
}

function nothingToFix(id: string): CommandFailure {
  return new CommandFailure(
    EXIT.precondition,
    "nothing-to-fix",
    `Nothing is left to do for ${id}: the prompt is the version before already, and no failing call with a stored text is new to the eval set.`,
  );
}
