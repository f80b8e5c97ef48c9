/** Prompts as Langfuse's API hands them out and takes them: a list, a page `{data: […]}`, or a single one. */
import type { FileProblem, ParsedPrompt, PromptMessage } from "@plumbline/prompts";
import { z } from "zod";
import { Extras, extrasOf, type Imported, type ImportedPrompt } from "./imported-prompt.ts";
import { modelFromName } from "./model-name.ts";
import { readMessage } from "./read-chat.ts";
import { uniqueNames } from "./unique-names.ts";

const Placeholder = z.object({ type: z.literal("placeholder"), name: z.string() });

const LangfusePrompt = z.object({
  name: z.string().min(1),
  version: z.coerce.number().int().positive().default(1),
  prompt: z.union([z.string().min(1), z.array(z.unknown()).min(1)]),
  config: z.record(z.string(), z.json()).nullish(),
  labels: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
});
type LangfusePrompt = z.output<typeof LangfusePrompt>;

const Page = z.object({
  data: z.array(z.unknown()),
  meta: z.object({ page: z.number(), totalPages: z.number() }).optional().catch(undefined),
});

/** A prompt that takes another one in; resolved by the server it came from. */
const REFERENCE = /@@@langfusePrompt:/;
/** Tags that mean something here and are words there. */
const OUR_TAG = /\{\{\s*(?:history(?:\(\))?|role\s+["'][a-z]+["']|>\s*[\w-]+)\s*\}\}/;

/**
 * @param value the parsed answer of the prompts API
 * @param label which version of each prompt; without one that has it, the newest
 * @param file that the value is from, for what is left out
 * @returns null when it holds nothing like prompts
 */
export function readLangfuse(value: unknown, label: string, file: string): Imported | null {
  const items = itemsOf(value);
  if (items === null) return null;
  const notes: string[] = [];
  const leftOut: FileProblem[] = [];
  const leaveOut = (field: string, message: string, fix: string): void =>
    void leftOut.push({ file, line: 0, field, message, fix });
  const { page, totalPages } = Page.safeParse(value).data?.meta ?? { page: 1, totalPages: 1 };
  if (totalPages > 1)
    leaveOut(
      "",
      `is page ${page} of ${totalPages}, and the others are not in it`,
      "Save the other pages, and import each",
    );

  const byName = new Map<string, LangfusePrompt[]>();
  for (const [i, item] of items.entries()) {
    const read = LangfusePrompt.safeParse(item);
    if (read.success) byName.set(read.data.name, [...(byName.get(read.data.name) ?? []), read.data]);
    else
      leaveOut(
        titleOf(item, i),
        whyUnread(item, read.error),
        "Save the prompt again as the API hands it out",
      );
  }
  const read = [...byName.values()].flatMap((versions) => {
    const chosen = choose(versions, label);
    const prompt = readPrompt(chosen, notes);
    if (typeof prompt !== "string")
      return [{ name: chosen.name, ...prompt, others: othersOf(versions, chosen) }];
    leaveOut(chosen.name, prompt, "Change it there, or write it as a .prompt file by hand");
    return [];
  });
  for (const { others } of read) if (others !== null) notes.push(others);
  const own = new Map(
    read.flatMap(({ name, extras }) => (extras.use_case === undefined ? [] : [[name, extras.use_case]])),
  );
  const names = uniqueNames(
    read.map(({ name }) => own.get(name) ?? name),
    (name, became, why) => notes.push(`${name} became ${became}: ${why}`),
  );
  return {
    prompts: read.map(({ name: _name, others: _others, ...prompt }, i) => ({
      ...prompt,
      use_case: names[i]!,
    })),
    notes,
    leftOut,
  };
}

/** A list, a page `{data: […]}`, or a single prompt. */
function itemsOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  const page = Page.safeParse(value);
  if (page.success) return page.data.data;
  return typeof value === "object" && value !== null && "name" in value ? [value] : null;
}

function titleOf(item: unknown, i: number): string {
  const { name, version } =
    typeof item === "object" && item !== null ? (item as Record<string, unknown>) : {};
  if (typeof name !== "string" || name === "") return `item ${i + 1}`;
  return typeof version === "number" ? `${name}, version ${version}` : name;
}

function whyUnread(item: unknown, { issues: [issue] }: z.ZodError): string {
  const isListed = typeof item === "object" && item !== null && "versions" in item && !("prompt" in item);
  if (isListed) return "is an entry of a list, without the prompt's text";
  const field = issue?.path.join(".") ?? "";
  return `is no prompt that can be read: ${field === "" ? "" : `${field}: `}${issue?.message ?? "it has another shape"}`;
}

function othersOf(versions: readonly LangfusePrompt[], chosen: LangfusePrompt): string | null {
  const others = versions.filter((each) => each !== chosen).map(({ version }) => version);
  if (others.length === 0) return null;
  return `${chosen.name}: version ${chosen.version} was taken; ${others.toSorted((a, b) => a - b).join(", ")} left out, a project holds one version of each prompt`;
}

function choose(versions: readonly LangfusePrompt[], label: string): LangfusePrompt {
  const newestFirst = versions.toSorted((a, b) => b.version - a.version);
  return newestFirst.find(({ labels }) => labels?.includes(label) === true) ?? newestFirst[0]!;
}

/** The prompt, or why it can't be read whole, as a sentence without a full stop. */
function readPrompt(entry: LangfusePrompt, notes: string[]): Omit<ImportedPrompt, "use_case"> | string {
  const { name, prompt } = entry;
  if (REFERENCE.test(JSON.stringify(prompt)))
    return "takes another prompt in by reference, which is written as a partial here, {{>name}}";
  const messages = readChat(
    typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt,
    name,
    notes,
  );
  if (typeof messages === "string") return messages;
  const { model, plumbline, ...config } = entry.config ?? {};
  const parsed = Extras.safeParse(plumbline ?? {});
  if (!parsed.success) notes.push(`${name}: config.plumbline is not ours and was left out`);
  const moving = (entry.labels ?? []).filter((label) => label !== "latest");
  if (moving.length > 0)
    notes.push(
      `${name}: labels ${moving.join(", ")} are not carried over; plumbline promote says what is live`,
    );
  const tags = entry.tags ?? [];
  if (tags.length > 0) notes.push(`${name}: tags ${tags.join(", ")} are not carried over`);
  return {
    model: typeof model === "string" && model !== "" ? modelFromName(model, name, notes) : null,
    config,
    messages,
    extras: parsed.success ? parsed.data : {},
    evalLines: null,
  };
}

function readChat(
  prompt: readonly unknown[],
  name: string,
  notes: string[],
): readonly PromptMessage[] | string {
  const messages: PromptMessage[] = [];
  for (const value of prompt) {
    const placeholder = Placeholder.safeParse(value);
    if (placeholder.success) {
      if (messages.some(({ role }) => role === "history"))
        return `has a second placeholder, ${placeholder.data.name}, and a prompt here has one {{history}}`;
      messages.push({ role: "history" });
      if (placeholder.data.name !== HISTORY)
        notes.push(`${name}: placeholder ${placeholder.data.name} became {{history}}`);
      continue;
    }
    const read = readMessage(value, asItIs, (note) => notes.push(`${name}: ${note}`));
    if (read.kind === "refused") return read.why;
    messages.push(read.message);
  }
  return messages;
}

/** Variables are written alike. */
function asItIs(text: string): { readonly text: string; readonly problems: readonly string[] } {
  const tag = OUR_TAG.exec(text)?.[0];
  return { text, problems: tag === undefined ? [] : [`${tag} means something else here; rename it`] };
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
