/** Imported prompts as files of a project, each read back before it counts. */
import { type FileProblem, parseEvalSet, parsePrompt, promptVersion, shortVersion } from "@plumbline/prompts";
import { documentOf, type Imported, type ImportedPrompt } from "./imported-prompt.ts";
import { formatPromptFile, variablesOf } from "./prompt-file.ts";
import type { WrittenFile } from "./promptfoo-write.ts";

interface ProjectFolders {
  readonly prompts: string;
  readonly evals: string;
}

interface ProjectFiles {
  readonly files: readonly WrittenFile[];
  /** Those that could be read back. */
  readonly prompts: readonly { readonly use_case: string; readonly short: string; readonly file: string }[];
  /** Why a prompt or an eval set was left out. */
  readonly problems: readonly FileProblem[];
}

/** @param model for prompts whose source names none; null: those are left out */
export function toProjectFiles(
  { prompts }: Imported,
  folders: ProjectFolders,
  model: string | null,
): ProjectFiles {
  const files = new Map<string, string>();
  const problems: FileProblem[] = [];
  const kept: ProjectFiles["prompts"][number][] = [];
  for (const prompt of prompts) {
    const file = `${folders.prompts}/${prompt.use_case}.prompt`;
    const chosen = prompt.model ?? model;
    if (chosen === null) {
      problems.push({
        file,
        line: 0,
        field: "model",
        message: "the source names no model",
        fix: "Give --model provider/model",
      });
      continue;
    }
    const evalSet = evalSetOf(prompt, folders, problems);
    const text = format(prompt, chosen, evalSet?.path ?? null, file);
    const parsed = parsePrompt(text, file);
    if (parsed.kind === "invalid") {
      problems.push(...parsed.problems);
      continue;
    }
    const { document } = parsed.value;
    kept.push({
      use_case: document.use_case,
      short: shortVersion(document.use_case, promptVersion(document)),
      file,
    });
    files.set(file, text);
    if (evalSet !== null) files.set(evalSet.path, evalSet.text);
  }
  return { files: [...files].map(([path, text]) => ({ path, text })), prompts: kept, problems };
}

/** Twice: what the template uses is known once it is read. */
function format(prompt: ImportedPrompt, model: string, evalFile: string | null, file: string): string {
  const parts = { document: documentOf(prompt, model), extras: prompt.extras, evalFile };
  const bare = formatPromptFile({ ...parts, variables: {} });
  const parsed = parsePrompt(bare, file);
  return parsed.kind === "invalid"
    ? bare
    : formatPromptFile({ ...parts, variables: variablesOf(parsed.value) });
}

function evalSetOf(
  { use_case, evalLines }: ImportedPrompt,
  folders: ProjectFolders,
  problems: FileProblem[],
): WrittenFile | null {
  if (evalLines === null) return null;
  const file = `${folders.evals}/${use_case}.jsonl`;
  const text = `${evalLines.join("\n")}\n`;
  const parsed = parseEvalSet(text, file);
  if (parsed.kind === "invalid") {
    problems.push(...parsed.problems);
    return null;
  }
  return { path: file, text };
}
