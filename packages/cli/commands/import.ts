import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Option } from "commander";
import { formatProblem } from "@plumbline/prompts";
import { ConfigFile } from "@plumbline/schemas";
import type { AddCommand } from "../shell/command.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import type { Imported } from "../interchange/imported-prompt.ts";
import { readLangfuse } from "../interchange/langfuse.ts";
import { describeFiles, writeFiles } from "../interchange/plan-files.ts";
import { readPromptfoo } from "../interchange/promptfoo-read.ts";
import { toProjectFiles } from "../interchange/to-project-files.ts";
import { count } from "../text/spoken.ts";
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
          "What cannot be read whole is left out by name, and never written in part; then the exit code is 3.",
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
    const leftOut = [...imported.leftOut, ...problems];
    for (const note of imported.notes) context.warn(note);
    const outcomes = flags.dryRun ? [] : await writeFiles(root, files, flags);
    context.answer(
      { prompts, files: flags.dryRun ? files : outcomes, left_out: leftOut },
      [
        `${count(prompts.length, "prompt")} from ${flags.from}${leftOut.length === 0 ? "" : `, ${leftOut.length} left out`}${flags.dryRun ? ", nothing written" : ""}:`,
        ...prompts.map(({ file, short }) => `  ${short}  ${file}`),
        ...(flags.dryRun ? files.map((file) => `  would be  ${file.path}`) : describeFiles(outcomes)),
        ...(leftOut.length === 0 ? [] : ["Left out:", ...leftOut.map((each) => `  ${formatProblem(each)}`)]),
        ...(found === null
          ? ["There is no plumbline.config.yaml here yet. Next: plumbline init"]
          : ["Next: plumbline lint"]),
      ].join("\n"),
      leftOut.length === 0 ? EXIT.ok : EXIT.config,
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
  const imported = readLangfuse(value, label, basename(path));
  if (imported !== null) return imported;
  throw new CommandFailure(
    EXIT.config,
    "not-langfuse",
    `${path} holds no Langfuse prompts: a list, a page {"data": […]}, or one prompt with name, version, prompt and config.`,
  );
}
