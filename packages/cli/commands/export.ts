import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Option } from "commander";
import { formatProblem, type ParsedPrompt, promptVersion, shortVersion } from "@plumbline/prompts";
import type { AddCommand } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { writeLangfuse } from "../interchange/langfuse.ts";
import { describeFiles, writeFiles } from "../interchange/plan-files.ts";
import { type WrittenFile, writePromptfoo } from "../interchange/promptfoo-write.ts";
import { addProjectOption, openProject, type ProjectFlags } from "../project/project-options.ts";
import type { Project } from "../project/load-project.ts";

const TARGETS = ["promptfoo", "langfuse"] as const;
/** One file: Langfuse's API takes prompts one after the other, without files beside them. */
const LANGFUSE_FILE = "langfuse-prompts.json";

interface ExportFlags extends ProjectFlags {
  readonly to: (typeof TARGETS)[number];
  readonly out: string;
  readonly force: boolean;
}

export const addExport: AddCommand = (program, context) => {
  addProjectOption(
    program
      .command("export")
      .summary("prompts and eval cases to promptfoo or Langfuse")
      .description(
        "Writes the working tree's prompts for another tool, and lists what it has no place for. " +
          "promptfoo: a folder per use case with promptfooconfig.yaml, the messages and the cases as they are. " +
          `Langfuse: ${LANGFUSE_FILE}, each entry a body of its prompts API.\n` +
          "Importing the result gives the same versions again.",
      )
      .argument("[use-case...]", "default: all of the project")
      .usage("--to promptfoo|langfuse --out DIR [use-case...] [options]")
      .addHelpText(
        "before",
        `Examples:
  plumbline export --to promptfoo --out build/promptfoo
  plumbline export --to langfuse --out build ticket-summary
`,
      )
      .addOption(new Option("--to <tool>", "for whom").choices([...TARGETS]).makeOptionMandatory())
      .requiredOption("--out <dir>", "folder that the files go to")
      .option("--force", "replace files that are there", false),
  ).action(async (useCases: readonly string[], flags: ExportFlags) => {
    const project = await openProject(context, flags);
    const prompts = choose(project, useCases);
    const { files, notes } = flags.to === "promptfoo" ? await promptfoo(project, prompts) : langfuse(prompts);
    for (const note of notes) context.warn(note);
    const outcomes = await writeFiles(resolve(context.io.directory, flags.out), files, flags);
    const exported = prompts.map(({ document }) => ({
      use_case: document.use_case,
      short: shortVersion(document.use_case, promptVersion(document)),
    }));
    context.answer(
      { prompts: exported, files: outcomes },
      [
        `${exported.map(({ short }) => short).join(", ")} for ${flags.to}, in ${flags.out}:`,
        ...describeFiles(outcomes),
      ].join("\n"),
    );
  });
};

function choose({ prompts, problems }: Project, useCases: readonly string[]): readonly ParsedPrompt[] {
  const wanted = prompts.filter(
    ({ document }) => useCases.length === 0 || useCases.includes(document.use_case),
  );
  const absent = useCases.filter((name) => !wanted.some(({ document }) => document.use_case === name));
  if (absent.length === 0 && wanted.length > 0 && (useCases.length > 0 || problems.length === 0))
    return wanted;
  throw new CommandFailure(
    problems.length > 0 ? EXIT.config : EXIT.precondition,
    problems.length > 0 ? "project" : "use-case-unknown",
    problems.length > 0
      ? problems.map(formatProblem).join("\n")
      : `The project has no prompt ${absent.length > 0 ? `of ${absent.join(", ")}` : "at all"}.`,
    { next: problems.length > 0 ? "plumbline lint" : "plumbline init, or another --project" },
  );
}

async function promptfoo(project: Project, prompts: readonly ParsedPrompt[]) {
  const files: WrittenFile[] = [];
  const notes: string[] = [];
  for (const prompt of prompts) {
    const hasCases = prompt.eval_file !== null && project.evalSets.has(prompt.eval_file);
    const cases = hasCases ? await readFile(join(project.root, prompt.eval_file!), "utf8") : null;
    const written = writePromptfoo(prompt, cases);
    files.push(...written.files);
    notes.push(...written.notes);
  }
  return { files, notes };
}

function langfuse(prompts: readonly ParsedPrompt[]) {
  const { value, notes } = writeLangfuse(prompts);
  return { files: [{ path: LANGFUSE_FILE, text: `${JSON.stringify(value, null, 2)}\n` }], notes };
}
