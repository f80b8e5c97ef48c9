import type { PromptDocument, PromptRole } from "./prompt-document.ts";
import { parseTemplate, renderNodes, type TemplateNode } from "./template.ts";

/** A message as a provider takes it. */
export interface RenderedMessage {
  readonly role: PromptRole;
  readonly content: string;
}

export type RenderMessages = (
  vars?: Readonly<Record<string, unknown>>,
  history?: readonly RenderedMessage[],
) => RenderedMessage[];

/**
 * Reads a document's templates once; a version is rendered many times.
 *
 * @returns renders; throws RangeError that names every variable that is missing or of the wrong kind
 * @throws SyntaxError for a template outside the subset
 */
export function createRender({ use_case, messages, defaults }: PromptDocument): RenderMessages {
  const trees: readonly (readonly TemplateNode[])[] = messages.map((message) =>
    message.role === "history" ? [] : parseTemplate(message.content),
  );
  return (vars = {}, history = []) => {
    const values: Record<string, unknown> = { ...defaults };
    for (const [name, value] of Object.entries(vars)) if (value !== undefined) values[name] = value;
    const problems = new Set<string>();
    const rendered: RenderedMessage[] = [];
    let historyAt: number | null = null;
    for (const [i, { role }] of messages.entries()) {
      if (role === "history") historyAt = rendered.length;
      else rendered.push({ role, content: renderNodes(trees[i]!, values, problems) });
    }
    if (problems.size > 0) throw new RangeError(`${use_case}: ${[...problems].join("; ")}`);
    // Without a place of its own it goes before the last message when that is the user's, as in dotprompt.
    historyAt ??= rendered.at(-1)?.role === "user" ? rendered.length - 1 : rendered.length;
    rendered.splice(historyAt, 0, ...history);
    return rendered;
  };
}
