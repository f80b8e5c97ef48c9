import type { PromptDocument, PromptRole } from "@plumbline/client/render";
import { parseMessage, renderTemplate, variableUses } from "./template/template.ts";

/** A message as a provider takes it. */
interface RenderedMessage {
  readonly role: PromptRole;
  readonly content: string;
}

type RenderedPrompt =
  | {
      readonly kind: "rendered";
      readonly messages: readonly RenderedMessage[];
      readonly warnings: readonly string[];
    }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/**
 * Fills a document's messages. Nothing is escaped: prompts are not HTML, and values cannot open a message, because the
 * template was cut into messages before any value came near it.
 *
 * @param vars     defaults of the document fill what is missing; names that no message uses give a warning
 * @param history  earlier messages, oldest first; without a `{{history}}` in the prompt they go before its last
 *                 message when that is the user's, else to the end, as in dotprompt
 */
export function renderPrompt(
  document: PromptDocument,
  vars: Readonly<Record<string, unknown>>,
  history: readonly RenderedMessage[] = [],
): RenderedPrompt {
  const values = { ...document.defaults, ...definedOnly(vars) };
  const problems: string[] = [];
  const used = new Set<string>();
  const messages: RenderedMessage[] = [];
  let historyAt: number | null = null;
  for (const message of document.messages) {
    if (message.role === "history") {
      historyAt = messages.length;
      continue;
    }
    const tree = parseMessage(message.content);
    problems.push(
      ...tree.problems.map((each) => `${message.role} message, line ${each.line}: ${each.message}`),
    );
    for (const { name } of variableUses(tree.nodes)) used.add(name);
    const rendered = renderTemplate(tree.nodes, values);
    if (rendered.kind === "invalid") problems.push(...rendered.problems);
    else messages.push({ role: message.role, content: rendered.text });
  }
  if (problems.length > 0) return { kind: "invalid", problems: [...new Set(problems)] };

  if (historyAt === null)
    historyAt = messages.at(-1)?.role === "user" ? messages.length - 1 : messages.length;
  const warnings = Object.keys(vars)
    .filter((name) => !used.has(name))
    .map(
      (name) =>
        `variable ${name} is not used by ${document.use_case}; stop passing it, or check its spelling`,
    );
  return {
    kind: "rendered",
    messages: history.length === 0 ? messages : messages.toSpliced(historyAt, 0, ...history),
    warnings,
  };
}

function definedOnly(vars: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== undefined));
}
