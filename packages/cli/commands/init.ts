import { readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { InvalidArgumentError } from "commander";
import { commandLine } from "../shell/invocation.ts";
import { UseCase } from "@plumbline/schemas";
import type { AddCommand, CommandIo } from "../shell/command.ts";
import { readGitUser } from "../git/git.ts";
import { scaffold } from "../init/scaffold.ts";
import { writeNewFiles } from "../init/write-new-files.ts";
import { actorOf } from "../registry/registry-client.ts";

interface InitFlags {
  readonly useCase?: string;
  readonly owner?: string;
  readonly yes: boolean;
}

const USE_CASE = "ticket-summary";

export const addInit: AddCommand = (program, context) => {
  program
    .command("init")
    .summary("start a project")
    .description(
      "Writes a configuration, a prompt with its eval set, rubric and policy, and a workflow that lints and evaluates each change. Files that exist stay as they are; beside prompts that exist no example is written.",
    )
    .argument("[dir]", "the project's folder (default: here)")
    .addHelpText(
      "before",
      `Examples:
  plumbline init
  plumbline init services/support --use-case ticket-summary --owner team:support
`,
    )
    .option("--use-case <name>", "the feature that the first prompt serves", readUseCase)
    .option("--owner <who>", "who answers for prompt and cases (default: git's user.email)")
    .option("--yes", "take the defaults instead of asking", false)
    .action(async (dir: string | undefined, flags: InitFlags) => {
      const { io, clock } = context;
      const folder = resolve(io.directory, dir ?? ".");
      const existing = flags.useCase === undefined ? await promptsIn(folder) : [];
      const useCase = flags.useCase ?? existing[0] ?? (await askUseCase(io, flags));
      const owner = flags.owner ?? (await readGitUser(io.directory)) ?? actorOf(io);
      const today = new Date(clock.now()).toISOString().slice(0, 10);
      const files = scaffold({ useCase, owner, today });
      const result = await writeNewFiles(folder, existing.length === 0 ? files : withoutExample(files));
      context.answer(
        { folder, use_case: useCase, owner, ...result },
        [
          ...result.written.map((path) => `wrote  ${path}`),
          ...result.kept.map((path) => `kept   ${path}`),
        ].join("\n"),
      );
      const place = relative(io.directory, folder);
      const first =
        existing.length === 0
          ? `write your prompt and real cases into prompts/${useCase}.prompt and evals/${useCase}.jsonl`
          : "give each prompt an owner and an eval set; lint says where they are missing";
      const there = place === "" ? "" : ` --project ${commandLine([place])}`;
      context.say(`Next:
  1. ${first}${place === "" ? "" : `, in ${place}`}
  2. plumbline lint${there}
  3. git add . && git commit${place === "" ? "" : `, in ${place}`}
  4. plumbline push${there}, with a registry running (npm start)
From promptfoo or Langfuse: plumbline import --help`);
    });
};

/** Use cases of prompt files that are there already, such as imported ones; by the names of their files. */
async function promptsIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, "prompts")).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith(".prompt"))
    .map((name) => name.slice(0, -".prompt".length))
    .toSorted();
}

/** Whoever has prompts needs no example of one. */
function withoutExample(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].filter(([path]) => !/^(?:prompts|evals|rubrics|policies)\//.test(path)));
}

async function askUseCase({ stdin, stderr, signal }: CommandIo, { yes }: InitFlags): Promise<string> {
  if (yes || stdin.isTTY !== true) return USE_CASE;
  const lines = createInterface({ input: stdin });
  try {
    for (;;) {
      stderr.write(`Which feature does the first prompt serve? [${USE_CASE}] `);
      const answer = (await lines.question("", { signal })).trim();
      const parsed = UseCase.safeParse(answer === "" ? USE_CASE : answer);
      if (parsed.success) return parsed.data;
      stderr.write(`It ${parsed.error.issues[0]!.message}.\n`);
    }
  } finally {
    lines.close();
  }
}

function readUseCase(text: string): string {
  const parsed = UseCase.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues[0]!.message);
}
