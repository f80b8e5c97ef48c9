/** `plumbline drill`: rehearses degradation through the application's own code, and keeps the evidence. */
import { appendFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandAccepted, DRILL_BRANCHES, DrillReport, type DrillBranch } from "@plumbline/schemas";
import { InvalidArgumentError } from "commander";
import { describeDrill, drillToJunit, drillToMarkdown, isPassed } from "../../drill/describe-drill.ts";
import { type Drill, runDrill } from "../../drill/run-drill.ts";
import type { AddCommand, CommandContext } from "../../shell/command.ts";
import { CommandFailure, EXIT, UsageError } from "../../shell/failure.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openProject,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../../project/project-options.ts";

interface DrillFlags extends RegistryFlags, EnvFlags {
  readonly branch: readonly DrillBranch[];
  readonly all: boolean;
  readonly record: boolean;
  readonly junit?: string;
  readonly markdown?: string;
  readonly out?: string;
}

export const addDrill: AddCommand = (program, context) => {
  const command = program
    .command("drill")
    .summary("rehearse each way in which a call can fail")
    .description(
      "Runs your application's own command once for each failure, with a scripted provider in place of the real one, and compares which rung of the policy answered with what the policy says. The result is kept in the registry: a policy that was not rehearsed for 30 days is named by plumbline status. Exit code 0: every rung answered; 10: one did not.",
    )
    .argument("<use-case>")
    .argument("[command...]", "after --: makes one call of the use case and ends")
    .addHelpText(
      "before",
      `Examples:
  plumbline drill ticket-summary -- node scripts/summarise-one.js
  plumbline drill ticket-summary --all --junit drill.xml --markdown drill.md -- npm run drill
  plumbline drill ticket-summary --branch timeout --no-record -- node scripts/summarise-one.js
`,
    )
    .addHelpText(
      "after",
      `
The command finds in its environment: OPENAI_BASE_URL and ANTHROPIC_BASE_URL (the scripted provider), PLUMBLINE_URL and
PLUMBLINE_REGISTRY_URL (the project's prompts and policies; it emits there).`,
    );
  addEnvOption(addRegistryOptions(command))
    .option(
      "--branch <name>",
      `${DRILL_BRANCHES.join(", ")}; again for more than one (default: all)`,
      readBranch,
      [],
    )
    .option("--all", "force each failure on every model as well, down to the last rung", false)
    .option("--no-record", "leave the registry alone")
    .option("--junit <file>", "write the findings as JUnit XML")
    .option("--markdown <file>", "write the report: how the use case degrades, as rehearsed")
    .option("--out <file>", "write the report as JSON")
    .action(async (useCase: string, rest: readonly string[], flags: DrillFlags) => {
      const [file, ...args] = rest;
      if (file === undefined)
        throw new UsageError(
          `Say which command makes a call of ${useCase}, after two dashes: -- node app.js`,
        );
      const project = await openProject(context, flags);
      const env = checkEnv(flags, project.config);
      const { io, clock } = context;
      const drill = await start({
        project,
        useCase,
        branches: flags.branch.length === 0 ? DRILL_BRANCHES : [...new Set(flags.branch)],
        everyModel: flags.all,
        command: [file, ...args],
        directory: io.directory,
        environment: io.environment,
        signal: io.signal,
        startedAt: new Date(clock.now()).toISOString(),
        onStep: (branch, scope) =>
          context.say(`forcing ${branch} on ${scope === "primary" ? "its model" : "every model"}`),
      });
      const report = DrillReport.parse(drill);
      if (flags.record) {
        const registry = await openRegistry(context, flags, project);
        await registry.post(`/v1/use-cases/${useCase}/drills`, { env, report }, CommandAccepted);
      }
      await writeFiles(drill, flags, context);
      const data = { use_case: useCase, env, ...report, passed: isPassed(drill), recorded: flags.record };
      context.answer(data, describeDrill(drill), isPassed(drill) ? EXIT.ok : EXIT.gate);
    });
};

async function start(options: Parameters<typeof runDrill>[0]): Promise<Drill> {
  try {
    return await runDrill(options);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code !== "ENOENT" && code !== "EACCES") throw error;
    throw new CommandFailure(
      EXIT.usage,
      "command-missing",
      `${options.command[0]} can't be started (${code}).`,
      {
        cause: error,
        next: "name a program that is installed, such as node",
      },
    );
  }
}

async function writeFiles(drill: Drill, flags: DrillFlags, { io }: CommandContext): Promise<void> {
  const write = (file: string, text: string): Promise<void> => writeFile(resolve(io.directory, file), text);
  const markdown = drillToMarkdown(drill, flags.record);
  if (flags.junit !== undefined) await write(flags.junit, drillToJunit(drill));
  if (flags.markdown !== undefined) await write(flags.markdown, markdown);
  if (flags.out !== undefined) await write(flags.out, `${JSON.stringify(drill, null, 2)}\n`);
  const summary = io.environment["GITHUB_STEP_SUMMARY"];
  if (summary !== undefined && summary !== "") await appendFile(summary, markdown);
}

function readBranch(name: string, all: readonly DrillBranch[]): readonly DrillBranch[] {
  const branch = DRILL_BRANCHES.find((each) => each === name);
  if (branch !== undefined) return [...all, branch];
  throw new InvalidArgumentError(`must be one of ${DRILL_BRANCHES.join(", ")}`);
}
