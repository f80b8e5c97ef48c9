import { relative, resolve } from "node:path";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  type EnvFlags,
  openProject,
  openRegistryIfNamed,
  type RegistryFlags,
} from "../project/project-options.ts";
import { readCommittedPrompts } from "../prefix/committed-prompts.ts";
import { prefixFindings } from "../prefix/prefix-findings.ts";
import { checkDrills } from "../drill/check-drills.ts";
import { checkProject, inOrder } from "../project/check-project.ts";
import { formatFinding, type Finding } from "../project/finding.ts";
import type { Project } from "../project/load-project.ts";
import { openSqlEndpoint } from "../sql/sql-endpoint.ts";
import { count } from "../text/spoken.ts";

interface LintFlags extends RegistryFlags, EnvFlags {
  readonly against: string;
  readonly sql?: string;
}

export const addLint: AddCommand = (program, context) => {
  const command = program
    .command("lint")
    .summary("check the project's files")
    .description(
      "Checks prompts, eval sets, rubrics, policies and the configuration: what is malformed, what is missing, what the gate would refuse later, which edit takes a part of a prompt out of its provider's cache, and, where a registry is named, which policies were not rehearsed for a month. Warnings leave the exit code 0; errors make it 3.",
    )
    .argument("[files...]", "report only these files (default: all)")
    .addHelpText(
      "before",
      `Examples:
  plumbline lint
  plumbline lint prompts/ticket-summary.prompt evals/ticket-summary.jsonl
  plumbline lint --against origin/main
  plumbline lint --json
`,
    );
  addEnvOption(addRegistryOptions(command))
    .option("--against <commit>", "what prompts were before their edit: a commit, branch or tag", "HEAD")
    .option(
      "--sql <url>",
      "ClickHouse's HTTP interface, to price an edit by the calls of the last day (default: PLUMBLINE_SQL_URL, then local mode's)",
    )
    .action(async (files: readonly string[], flags: LintFlags) => {
      const project = await openProject(context, flags);
      const asked = files.map((file) => pathInProject(file, context.io.directory, project));
      const found = [
        ...checkProject(project, context.clock.now()),
        ...(await findPrefixBreaks(project, flags, context)),
        ...(await findOldDrills(project, flags, context)),
      ];
      const findings = inOrder(found).filter(({ file }) => asked.length === 0 || asked.includes(file));
      const errors = findings.filter(({ severity }) => severity === "error").length;
      const data = {
        files: asked.length === 0 ? project.files.size + 1 : asked.length,
        errors,
        warnings: findings.length - errors,
        findings,
      };
      context.answer(data, findings.map(formatFinding).join("\n"), errors > 0 ? EXIT.config : EXIT.ok);
      context.say(summary(data));
    });
};

async function findPrefixBreaks(
  project: Project,
  flags: LintFlags,
  { io, clock }: CommandContext,
): Promise<readonly Finding[]> {
  const { against: ref } = flags;
  const env = checkEnv(flags, project.config);
  const committed = await readCommittedPrompts(project, ref);
  if (committed === null) {
    if (ref === "HEAD") return [];
    throw new CommandFailure(EXIT.precondition, "commit-unknown", `git has no commit ${ref} here.`, {
      next: "name a commit, a branch or a tag, and fetch it before",
    });
  }
  return prefixFindings(project, committed, {
    ref,
    env,
    now: clock.now(),
    sql: openSqlEndpoint(io, flags.sql),
  });
}

/** A check of files is not to fail because a registry does not answer. */
async function findOldDrills(
  project: Project,
  flags: LintFlags,
  context: CommandContext,
): Promise<readonly Finding[]> {
  const env = checkEnv(flags, project.config);
  const registry = await openRegistryIfNamed(context, flags, project);
  if (registry === null) return [];
  try {
    return await checkDrills(project, registry, { env, now: context.clock.now() });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    context.warn(`Whether policies were rehearsed is not known: ${error.message}`);
    return [];
  }
}

function summary({
  files,
  errors,
  warnings,
  findings,
}: {
  readonly files: number;
  readonly errors: number;
  readonly warnings: number;
  readonly findings: readonly Finding[];
}): string {
  if (findings.length === 0) return `${count(files, "file")}, no findings`;
  return `${count(files, "file")}: ${count(errors, "error")}, ${count(warnings, "warning")}`;
}

/** @throws CommandFailure exit code 4 when the project has no such file: a typo must not look like a clean file */
function pathInProject(file: string, directory: string, project: Project): string {
  const path = relative(project.root, resolve(directory, file)).replaceAll("\\", "/");
  if (project.files.has(path) || path === project.file) return path;
  throw new CommandFailure(EXIT.precondition, "file-unknown", `${file} is no file of the project.`, {
    next: `name files in ${Object.values(project.config.folders).join("/, ")}/ of ${project.root}`,
  });
}
