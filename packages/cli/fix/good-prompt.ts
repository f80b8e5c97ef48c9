/** The prompt file of a version that was good: as git has it, else written from the registry's document. */
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { type ParsedPrompt, parsePrompt, promptVersion } from "@plumbline/prompts";
import { readFileAt } from "../git/git.ts";
import { formatPromptFile, variablesOf } from "../interchange/prompt-file.ts";
import type { VersionAnswer } from "../registry/answers.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";

interface GoodPrompt {
  /** Of the file, whole. */
  readonly text: string;
  readonly prompt: ParsedPrompt;
  /** False where the working tree has this version already. */
  readonly isChanged: boolean;
}

/**
 * @param root of the project
 * @param current the prompt's file as it is in the working tree
 * @throws CommandFailure when the file would not be the version
 */
export async function readGoodPrompt(
  root: string,
  current: ParsedPrompt,
  good: VersionAnswer,
): Promise<GoodPrompt> {
  const { file } = current;
  const now = await readFile(join(root, file), "utf8");
  if (promptVersion(current.document) === good.prompt_version)
    return { text: now, prompt: current, isChanged: false };
  const committed = good.commit === null ? null : await readFileAt(root, good.commit, file);
  for (const text of [committed, rewritten(current, good)]) {
    const parsed = text === null ? null : parsePrompt(text, file);
    if (text === null || parsed === null || parsed.kind === "invalid") continue;
    if (promptVersion(parsed.value.document) === good.prompt_version)
      return { text, prompt: parsed.value, isChanged: true };
  }
  throw new CommandFailure(
    EXIT.precondition,
    "version-not-found",
    `${file} can't be put back to v${good.number}: its commit is not in this repository, and its text has parts that are other files.`,
    { next: `plumbline diff ${good.document.use_case} v${good.number}` },
  );
}

function rewritten(
  { file, owner, rubrics, attributes, eval_file }: ParsedPrompt,
  { document }: VersionAnswer,
): string | null {
  const extras = {
    ...(owner !== null && { owner }),
    ...(rubrics.length > 0 && { rubrics: [...rubrics] }),
    ...(Object.keys(attributes).length > 0 && { attributes: { ...attributes } }),
  };
  const bare = formatPromptFile({ document, extras, evalFile: eval_file, variables: {} });
  const parsed = parsePrompt(bare, file);
  if (parsed.kind === "invalid") return null;
  return formatPromptFile({ document, extras, evalFile: eval_file, variables: variablesOf(parsed.value) });
}
