/** A prompt with its eval set as a folder that promptfoo runs: configuration, chat messages, cases. */
import { type ParsedPrompt, writeYaml } from "@plumbline/prompts";
import { extrasOf } from "./imported-prompt.ts";
import { providerIdOf } from "./model-name.ts";
import { toNunjucks } from "./to-nunjucks.ts";

export interface WrittenFile {
  /** Relative to the folder of the export. */
  readonly path: string;
  readonly text: string;
}

/** @param evalText the eval set as it is; null when there is none */
export function writePromptfoo(
  prompt: ParsedPrompt,
  evalText: string | null,
): { readonly files: readonly WrittenFile[]; readonly notes: readonly string[] } {
  const { document } = prompt;
  const { use_case, model, config, messages, defaults, output } = document;
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(`${use_case}: ${text}`);
  if (messages.some(({ role }) => role === "history"))
    note("{{history}} is not carried over; promptfoo has earlier messages as _conversation");
  if (output !== undefined)
    note("the output format is kept in tags.plumbline; promptfoo does not ask for it");
  const text = JSON.stringify(messages);
  if (text.includes("{{#if") || text.includes("{{#unless"))
    note(
      "conditions became {% if %}, for which an empty list is true, and whose lines leave blank ones behind",
    );
  if (evalText?.includes('"rubric:') === true)
    note(
      "asserts that name a rubric file (rubric:NAME) are kept; promptfoo sees the name, not the criterion",
    );
  if (evalText === null) note("has no eval set, so there is nothing to run");

  const chat = messages.flatMap((message) =>
    message.role === "history" ? [] : [{ role: message.role, content: toNunjucks(message.content) }],
  );
  const configuration = {
    description: `${use_case}, exported from Plumbline`,
    prompts: [{ id: "file://prompt.json", label: use_case }],
    providers: [{ id: providerIdOf(model), config }],
    ...(defaults !== undefined && { defaultTest: { vars: defaults } }),
    ...(evalText !== null && { tests: "file://tests.jsonl" }),
    tags: { plumbline: JSON.stringify(extrasOf(prompt)) },
  };
  return {
    files: [
      { path: `${use_case}/promptfooconfig.yaml`, text: writeYaml(configuration) },
      { path: `${use_case}/prompt.json`, text: `${JSON.stringify(chat, null, 2)}\n` },
      ...(evalText === null ? [] : [{ path: `${use_case}/tests.jsonl`, text: evalText }]),
    ],
    notes,
  };
}
