/** Prompts as Langfuse's API hands them out and takes them: a list, a page `{data: […]}`, or a single one. */
import type { ParsedPrompt, PromptMessage } from "@plumbline/prompts";
import { z } from "zod";
import { Extras, extrasOf, type Imported, type ImportedPrompt, useCaseFrom } from "./imported-prompt.ts";
import { modelFromName } from "./model-name.ts";

const Placeholder = z.object({ type: z.literal("placeholder"), name: z.string() });
const ChatMessage = z.object({ role: z.string(), content: z.string() });

const LangfusePrompt = z.object({
  name: z.string().min(1),
  version: z.number().int().positive().default(1),
  prompt: z.union([z.string(), z.array(z.union([Placeholder, ChatMessage]))]),
  config: z.record(z.string(), z.json()).nullish(),
  labels: z.array(z.string()).default([]),
  tags: z.array(z.string()).default([]),
});
type LangfusePrompt = z.output<typeof LangfusePrompt>;

export const LangfuseExport = z.union([
  z.array(LangfusePrompt),
  z.object({ data: z.array(LangfusePrompt) }).transform(({ data }) => data),
  LangfusePrompt.transform((one) => [one]),
]);

const ROLES: Readonly<Record<string, "system" | "user" | "assistant">> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
};
/** A prompt that takes another one in; resolved by the server it came from. */
const REFERENCE = /@@@langfusePrompt:/;

/** @param label which version of each prompt; without one that has it, the newest */
export function readLangfuse(entries: readonly LangfusePrompt[], label: string): Imported {
  const notes: string[] = [];
  const byName = new Map<string, LangfusePrompt[]>();
  for (const entry of entries) byName.set(entry.name, [...(byName.get(entry.name) ?? []), entry]);
  const prompts = [...byName].flatMap(([name, versions]) => {
    const chosen = choose(versions, label);
    const others = versions.filter((each) => each !== chosen).map(({ version }) => version);
    if (others.length > 0) {
      notes.push(
        `${name}: version ${chosen.version} was taken; ${others.toSorted((a, b) => a - b).join(", ")} left out, a project holds one version of each prompt`,
      );
    }
    const read = readPrompt(chosen, notes);
    return read === null ? [] : [read];
  });
  return { prompts, notes };
}

function choose(versions: readonly LangfusePrompt[], label: string): LangfusePrompt {
  const newestFirst = versions.toSorted((a, b) => b.version - a.version);
  return newestFirst.find(({ labels }) => labels.includes(label)) ?? newestFirst[0]!;
}

function readPrompt(entry: LangfusePrompt, notes: string[]): ImportedPrompt | null {
  const { name, prompt, labels, tags } = entry;
  const { model, plumbline, ...config } = entry.config ?? {};
  const parsed = Extras.safeParse(plumbline ?? {});
  const extras = parsed.success ? parsed.data : {};
  if (!parsed.success) notes.push(`${name}: config.plumbline is not ours and was left out`);
  const use_case = extras.use_case ?? useCaseFrom(name);
  if (use_case === null) {
    notes.push(`${name}: left out, nothing of its name can name a use case`);
    return null;
  }
  const moving = labels.filter((label) => label !== "latest");
  if (moving.length > 0)
    notes.push(
      `${name}: labels ${moving.join(", ")} are not carried over; plumbline promote says what is live`,
    );
  if (tags.length > 0) notes.push(`${name}: tags ${tags.join(", ")} are not carried over`);
  if (REFERENCE.test(JSON.stringify(prompt)))
    notes.push(`${name}: takes another prompt in by reference; write it as a partial, {{>name}}`);
  const messages =
    typeof prompt === "string" ? [{ role: "user" as const, content: prompt }] : readChat(prompt, name, notes);
  return {
    use_case,
    model: typeof model === "string" ? modelFromName(model, name, notes) : null,
    config,
    messages,
    extras,
    evalLines: null,
  };
}

function readChat(
  prompt: Exclude<LangfusePrompt["prompt"], string>,
  name: string,
  notes: string[],
): readonly PromptMessage[] {
  const messages: PromptMessage[] = [];
  for (const message of prompt) {
    if ("type" in message) {
      if (messages.some(({ role }) => role === "history"))
        notes.push(`${name}: placeholder ${message.name} is not carried over; a prompt has one {{history}}`);
      else {
        messages.push({ role: "history" });
        if (message.name !== HISTORY) notes.push(`${name}: placeholder ${message.name} became {{history}}`);
      }
      continue;
    }
    const role = ROLES[message.role];
    if (role === undefined) {
      notes.push(`${name}: a message of role ${message.role} is not carried over`);
      continue;
    }
    if (role !== message.role) notes.push(`${name}: role ${message.role} became ${role}`);
    messages.push({ role, content: message.content });
  }
  return messages;
}

const HISTORY = "history";
const BLOCK = /\{\{[#/](?:if|unless|each)|\{\{else\}\}/;

/** What Langfuse's API takes to create a prompt; its server numbers the versions. */
export function writeLangfuse(prompts: readonly ParsedPrompt[]): {
  readonly value: readonly unknown[];
  readonly notes: readonly string[];
} {
  const notes: string[] = [];
  const value = prompts.map((prompt) => {
    const { document } = prompt;
    const { use_case, model, config, messages } = document;
    if (messages.some((message) => message.role !== "history" && BLOCK.test(message.content)))
      notes.push(
        `${use_case}: {{#if}}, {{#unless}} and {{#each}} stay as text; Langfuse fills {{variables}} only`,
      );
    if (prompt.eval_file !== null) notes.push(`${use_case}: ${prompt.eval_file} is not carried over`);
    if (document.defaults !== undefined || document.output !== undefined)
      notes.push(
        `${use_case}: defaults and output format are kept in config.plumbline, where Langfuse does not look`,
      );
    return {
      name: use_case,
      type: "chat",
      prompt: messages.map((message) =>
        message.role === "history" ? { type: "placeholder", name: HISTORY } : message,
      ),
      config: { model, ...config, plumbline: extrasOf(prompt) },
      labels: [],
      tags: [],
    };
  });
  return { value, notes };
}
