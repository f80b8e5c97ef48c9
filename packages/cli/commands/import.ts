import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Option } from "commander";
import { formatProblem } from "@plumbline/prompts";
import { ConfigFile } from "@plumbline/schemas";
import { z } from "zod";
import type { AddCommand } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import type { Imported } from "../interchange/imported-prompt.ts";
import { LangfuseExport, readLangfuse } from "../interchange/langfuse.ts";
import { describeFiles, writeFiles } from "../interchange/plan-files.ts";
import { readPromptfoo } from "../interchange/promptfoo-read.ts";
import { toProjectFiles } from "../interchange/to-project-files.ts";
import { addProjectOption, openConfigIfAny, type ProjectFlags } from "../project/project-options.ts";

const SOURCES = ["promptfoo", "langfuse"] as const;

interface ImportFlags extends ProjectFlags {
  readonly from: (typeof SOURCES)[number];
  readonly model?: string;
  readonly label: string;
  readonly force: boolean;
  readonly outside: boolean;
  readonly dryRun: boolean;
}

export const addImport: AddCommand = (program, context) => {
  addProjectOption(
    program
      .command("import")
      .summary("prompts and eval cases from promptfoo or Langfuse")
      .description(
        "Writes .prompt files, and eval sets where the source has cases, and lists what has no place in them. " +
          "promptfoo: a promptfooconfig.yaml and the files it names; nothing is executed. " +
          "Langfuse: the JSON of its prompts API, one prompt or a list.\n" +
          "Exit code 3 when a prompt or an eval set had to be left out.",
      )
      .argument("<path>", "the file, or promptfoo's folder")
      .usage("--from promptfoo|langfuse PATH [options]")
      .addHelpText(
        "before",
        `Examples:
  plumbline import --from promptfoo ./promptfooconfig.yaml
  plumbline import --from langfuse prompts.json --label production --dry-run
`,
      )
      .addOption(
        new Option("--from <tool>", "whose files they are").choices([...SOURCES]).makeOptionMandatory(),
      )
      .option("--model <provider/model>", "for prompts whose source names no model")
      .option("--label <name>", "Langfuse: the version with this label, else the newest", "production")
      .option("--outside", "promptfoo: read files outside its folder as well", false)
      .option("--force", "replace files that are there", false)
      .option("--dry-run", "show what would be written", false),
  ).action(async (path: string, flags: ImportFlags) => {
    const found = await openConfigIfAny(context, flags);
    const root = found?.root ?? resolve(context.io.directory, flags.project ?? ".");
    const { folders } = found?.config ?? ConfigFile.parse({});
    const source = resolve(context.io.directory, path);
    const imported =
      flags.from === "promptfoo" ? await promptfoo(source, flags) : await langfuse(source, flags.label);
    const { files, prompts, problems } = toProjectFiles(imported, folders, flags.model ?? null);
    for (const note of imported.notes) context.warn(note);
    const outcomes = flags.dryRun ? [] : await writeFiles(root, files, flags);
    const left = problems.map((problem) => formatProblem(problem));
    context.answer(
      { prompts, files: flags.dryRun ? files : outcomes, left_out: problems },
      [
        `${prompts.length} ${prompts.length === 1 ? "prompt" : "prompts"} from ${flags.from}${flags.dryRun ? ", nothing written" : ""}:`,
        ...prompts.map(({ file, short }) => `  ${short}  ${file}`),
        ...(flags.dryRun ? files.map((file) => `  would be  ${file.path}`) : describeFiles(outcomes)),
        ...(left.length === 0 ? [] : ["Left out:", ...left.map((each) => `  ${each}`)]),
        ...(found === null
          ? ["There is no plumbline.config.yaml here yet. Next: plumbline init"]
          : ["Next: plumbline lint"]),
      ].join("\n"),
      left.length === 0 ? EXIT.ok : EXIT.config,
    );
  });
};

async function promptfoo(path: string, flags: Pick<ImportFlags, "outside">): Promise<Imported> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  return readPromptfoo(isFolder ? join(path, "promptfooconfig.yaml") : path, flags);
}

async function langfuse(path: string, label: string): Promise<Imported> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const isSyntax = error instanceof SyntaxError;
    throw new CommandFailure(
      isSyntax ? EXIT.config : EXIT.precondition,
      isSyntax ? "not-json" : "source-missing",
      isSyntax ? `${path} is not JSON: ${error.message}` : `${path} cannot be read.`,
      { cause: error, next: "save the answer of Langfuse's prompts API there" },
    );
  }
  const parsed = LangfuseExport.safeParse(value);
  if (parsed.success) return readLangfuse(parsed.data, label);
  throw new CommandFailure(
    EXIT.config,
    "not-langfuse",
    `${path} holds no Langfuse prompts (name, version, prompt, config): ${z.prettifyError(parsed.error)}`,
  );
}
