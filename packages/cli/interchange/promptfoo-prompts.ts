/** The prompts of a promptfoo configuration, each whole or left out by its name. */
import { basename, dirname, extname, resolve } from "node:path";
import type { FileProblem, JsonValue, PromptMessage } from "@plumbline/prompts";
import { z } from "zod";
import { CommandFailure } from "../shell/failure.ts";
import { fromNunjucks } from "./from-nunjucks.ts";
import { readMessage } from "./read-chat.ts";
import { DATA_FILES, jsonOf, readText, type SourceFolder, TEXT_FILES, yamlOf } from "./source-folder.ts";

const PromptEntry = z
  .object({
    id: z.string(),
    raw: z.string(),
    label: z.string(),
    config: z.record(z.string(), z.json()),
    /** Where promptfoo's own export says it came from. */
    display: z.string(),
    provider: z.string(),
  })
  .partial()
  .strict();

interface ReadPrompt {
  readonly name: string;
  readonly messages: readonly PromptMessage[];
  readonly config: Readonly<Record<string, JsonValue>>;
}

interface ReadPrompts {
  readonly prompts: readonly ReadPrompt[];
  readonly notes: readonly string[];
  readonly leftOut: readonly FileProblem[];
}

export interface Around {
  readonly prefix: string;
  readonly suffix: string;
}

interface PromptsSource {
  readonly folder: SourceFolder;
  /** Of the configuration, which names the prompts that nobody named. */
  readonly path: string;
  readonly around: Around;
}

export async function readPrompts(
  given: unknown,
  { folder, path, around }: PromptsSource,
): Promise<ReadPrompts> {
  const prompts: ReadPrompt[] = [];
  const notes: string[] = [];
  const leftOut: FileProblem[] = [];
  for (const [i, value] of entriesOf(given).entries()) {
    const entry = typeof value === "string" ? { raw: value } : value;
    const parsed = PromptEntry.safeParse(entry);
    const name = parsed.success ? nameOf(parsed.data, path) : `prompts.${i}`;
    const refuse = (message: string, fix: string): void =>
      void leftOut.push({ file: basename(path), line: 0, field: name, message, fix });
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      refuse(`is no prompt that can be read: ${[...(issue?.path ?? []), issue?.message].join(" ")}`, REWRITE);
      continue;
    }
    const { config = {} } = parsed.data;
    const texts = await textsOf(parsed.data, folder);
    if (typeof texts === "string") {
      refuse(texts, REWRITE);
      continue;
    }
    for (const [k, text] of texts.entries()) {
      const part = texts.length === 1 ? name : `${name}, part ${k + 1}`;
      const messages = messagesOf(text, around, (note) => notes.push(`${part}: ${note}`));
      if (typeof messages === "string")
        leftOut.push({ file: basename(path), line: 0, field: part, message: messages, fix: REWRITE });
      else prompts.push({ name, messages, config });
    }
  }
  return { prompts, notes, leftOut };
}

const REWRITE = "Write it as a .prompt file by hand, or change it there and import it again";

/** A single one, a list, or a map from files to labels. */
function entriesOf(given: unknown): readonly unknown[] {
  if (Array.isArray(given)) return given;
  if (typeof given !== "object" || given === null) return [given];
  if (["raw", "id", "label"].some((key) => key in given)) return [given];
  return Object.entries(given).map(([raw, label]) => ({ raw, label: label as unknown }));
}

/** The label, else the file's name, else the folder's. */
function nameOf({ label, id, raw = id ?? "" }: z.output<typeof PromptEntry>, path: string): string {
  if (label !== undefined) return label;
  const file = fileOf(raw);
  if (file === null) return basename(dirname(resolve(path)));
  const name = basename(file, extname(file));
  return ["prompt", "prompts"].includes(name) ? basename(dirname(resolve(dirname(path), file))) : name;
}

function fileOf(text: string): string | null {
  if (text.startsWith("file://")) return text.slice("file://".length);
  return /^[^\s{}]+\.[a-z0-9]{1,5}$/i.test(text) ? text : null;
}

interface PromptText {
  readonly text: string;
  /** Extension of the file; empty for a text of the configuration itself. */
  readonly kind: string;
}

/** The texts of one entry, or why there are none, in a sentence without a full stop. */
async function textsOf(
  { raw, id = "" }: z.output<typeof PromptEntry>,
  folder: SourceFolder,
): Promise<readonly PromptText[] | string> {
  const source = raw ?? id;
  const file = fileOf(source);
  if (file === null) return source.trim() === "" ? "has no text" : [{ text: source, kind: "" }];
  const kind = extname(file).toLowerCase();
  if (/[*?]/.test(file) || (!TEXT_FILES.has(kind) && !DATA_FILES.has(kind)))
    return `comes from ${source}, and only text, JSON and YAML files are read, one by one; nothing is executed`;
  try {
    const text = await readText(resolve(folder.path, file), folder.wall);
    const parts = kind === ".txt" ? partsOf(text) : [text];
    return parts.length === 0
      ? `comes from ${source}, which is empty`
      : parts.map((part) => ({ text: part, kind }));
  } catch (error) {
    if (error instanceof CommandFailure && error.code === "source-missing")
      return `comes from ${source}, which cannot be read`;
    throw error;
  }
}

/** Lines of three dashes part the prompts of a text file. */
function partsOf(text: string): readonly string[] {
  return text
    .split(/^---[ \t]*\r?$/m)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** The messages, or why it is no whole prompt. */
function messagesOf(
  text: PromptText,
  { prefix, suffix }: Around,
  note: (text: string) => void,
): readonly PromptMessage[] | string {
  const chat = chatOf(text);
  if (typeof chat === "string") return chat;
  if (chat !== null && `${prefix}${suffix}` !== "")
    return "is a list of messages, and defaultTest.options puts a prefix or suffix around it";
  if (chat === null) {
    const { text: content, problems } = fromNunjucks(`${prefix}${text.text}${suffix}`);
    return problems.length > 0 ? problems.join("; ") : [{ role: "user", content }];
  }
  const messages: PromptMessage[] = [];
  for (const value of chat) {
    const read = readMessage(value, fromNunjucks, note);
    if (read.kind === "refused") return read.why;
    messages.push(read.message);
  }
  return messages;
}

/** Its list of messages, null for plain text, or why what ought to be a list is none. */
function chatOf({ text, kind }: PromptText): readonly unknown[] | null | string {
  const isJson = kind === ".json" || (kind !== ".yaml" && kind !== ".yml" && /^\s*\[\s*\{/.test(text));
  const isYaml = kind === ".yaml" || kind === ".yml" || /^\s*-\s+role:/.test(text);
  if (!isJson && !isYaml) return null;
  const value = isJson ? jsonOf(text) : tryYaml(text);
  if (Array.isArray(value) && value.length > 0) return value;
  // A template that makes JSON only once it is filled has braces, loops or filters between the quotes.
  return `${kind === "" ? "looks like" : "ought to be"} a list of chat messages, and is none before its variables are filled`;
}

function tryYaml(text: string): unknown {
  try {
    return yamlOf(text, "");
  } catch (error) {
    if (error instanceof CommandFailure) return null;
    throw error;
  }
}
