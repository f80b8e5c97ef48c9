/**
 * A `.prompt` file as a prompt function of promptfoo, which knows no dotprompt:
 *
 * ```js
 * import { promptfooPrompt } from "@plumbline/prompts/promptfoo";
 * export default promptfooPrompt(new URL("prompts/ticket-summary.prompt", import.meta.url));
 * ```
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatProblem } from "./file-problem.ts";
import { parsePrompt } from "./parse-prompt.ts";
import type { PromptDocument } from "@plumbline/client/render";
import { renderPrompt } from "./render-prompt.ts";

/** What promptfoo passes, as far as it is read here. */
interface PromptfooCall {
  readonly vars: Readonly<Record<string, unknown>>;
}

/** Messages with the file's settings; promptfoo adds them to the provider's. */
interface PromptfooAnswer {
  readonly prompt: readonly { readonly role: string; readonly content: string }[];
  readonly config: PromptDocument["config"];
}

/**
 * Partials are read from `_partials` beside the file.
 *
 * @throws Error with every problem of the file, at once; from the function, with every missing variable of a case
 */
export function promptfooPrompt(file: URL | string): (call: PromptfooCall) => PromptfooAnswer {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  const parsed = parsePrompt(readFileSync(path, "utf8"), path, (name) => readPartial(dirname(path), name));
  if (parsed.kind === "invalid") throw new Error(parsed.problems.map(formatProblem).join("\n"));
  const { document } = parsed.value;
  return ({ vars }) => {
    const rendered = renderPrompt(document, vars);
    if (rendered.kind === "invalid") throw new Error(`${path}: ${rendered.problems.join("; ")}`);
    return { prompt: rendered.messages, config: document.config };
  };
}

function readPartial(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, "_partials", `${name}.prompt`), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
