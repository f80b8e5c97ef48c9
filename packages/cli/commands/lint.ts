import { relative, resolve } from "node:path";
import type { AddCommand } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { addProjectOption, openProject, type ProjectFlags } from "../project/project-options.ts";
import { checkProject } from "../project/check-project.ts";
import { formatFinding, type Finding } from "../project/finding.ts";
import type { Project } from "../project/load-project.ts";
import { count } from "../text/spoken.ts";

export const addLint: AddCommand = (program, context) => {
  const command = program
    .command("lint")
    .summary("check the project's files")
    .description(
      "Checks prompts, eval sets, rubrics, policies and the configuration: what is malformed, what is missing, and what the gate would refuse later. Warnings leave the exit code 0; errors make it 3.",
    )
    .argument("[files...]", "report only these files (default: all)")
    .addHelpText(
      "before",
      `Examples:
  plumbline lint
  plumbline lint prompts/ticket-summary.prompt evals/ticket-summary.jsonl
  plumbline lint --json
`,
    );
  addProjectOption(command).action(async (files: readonly string[], flags: ProjectFlags) => {
    const project = await openProject(context, flags);
    const asked = files.map((file) => pathInProject(file, context.io.directory, project));
    const findings = checkProject(project, context.clock.now()).filter(
      ({ file }) => asked.length === 0 || asked.includes(file),
    );
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
