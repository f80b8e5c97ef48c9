/** Writes a `.prompt` file; the reverse of `parsePrompt`. */
import {
  type JsonValue,
  type ParsedPrompt,
  type PromptDocument,
  variableUses,
  writeYaml,
} from "@plumbline/prompts";
import type { Extras } from "./imported-prompt.ts";

interface PromptFileParts {
  readonly document: PromptDocument;
  readonly extras: Extras;
  readonly evalFile: string | null;
  /** Variables in picoschema. */
  readonly variables: Readonly<Record<string, string>>;
}

export function formatPromptFile({ document, extras, evalFile, variables }: PromptFileParts): string {
  const { model, config, defaults, output, use_case } = document;
  const { owner, rubrics, attributes } = extras;
  const input = {
    ...(Object.keys(variables).length > 0 && { schema: variables }),
    ...(defaults !== undefined && { default: defaults }),
  };
  const front: Record<string, JsonValue> = {
    model,
    ...(Object.keys(config).length > 0 && { config }),
    ...(Object.keys(input).length > 0 && { input }),
    ...(output !== undefined && { output: { ...output } }),
    "plumbline.use_case": use_case,
    ...(owner !== undefined && { "plumbline.owner": owner }),
    ...(evalFile !== null && { "plumbline.eval": evalFile }),
    ...(rubrics !== undefined && { "plumbline.rubrics": rubrics }),
    ...(attributes !== undefined && { "plumbline.attributes": attributes }),
  };
  const messages = document.messages.map((message) =>
    message.role === "history" ? "{{history}}" : `{{role "${message.role}"}}\n${message.content}`,
  );
  return `---\n${writeYaml(front)}---\n${messages.join("\n")}\n`;
}

/** The variables that a prompt uses, in picoschema: lists as arrays, optional where a condition asks for them. */
export function variablesOf({ messages }: ParsedPrompt): Readonly<Record<string, string>> {
  const lists = new Set<string>();
  const isOptional = new Map<string, boolean>();
  for (const { nodes } of messages) {
    for (const node of nodes) if (node.kind === "block" && node.block === "each") lists.add(node.path);
    for (const { name, isGuarded } of variableUses(nodes)) {
      isOptional.set(name, isGuarded && !lists.has(name) && isOptional.get(name) !== false);
    }
  }
  return Object.fromEntries(
    [...isOptional].map(([name, optional]) =>
      lists.has(name) ? [`${name}(array)`, "any"] : [optional ? `${name}?` : name, "string"],
    ),
  );
}
