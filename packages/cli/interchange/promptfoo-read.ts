/**
 * `promptfooconfig.yaml` and the files it names, read into prompts and eval cases. Nothing of it is executed, and nothing
 * outside its folder is read unless a person says so.
 */
import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, extname, relative, resolve, sep } from "node:path";
import {
  ASSERT_TYPES,
  formatProblem,
  type JsonValue,
  type PromptMessage,
  readYaml,
} from "@plumbline/prompts";
import { z } from "zod";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { Extras, type Imported, type ImportedPrompt, useCaseFrom } from "./imported-prompt.ts";
import { modelFromProviderId } from "./model-name.ts";
import { fromNunjucks } from "./nunjucks.ts";

const record = z.record(z.string(), z.json());
const PromptEntry = z.object({
  id: z.string().optional(),
  raw: z.string().optional(),
  label: z.string().optional(),
});
const Provider = z.union([
  z.string().transform((id) => ({ id, config: {} as Record<string, JsonValue> })),
  z.object({ id: z.string(), config: record.default({}) }),
]);
const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item)]);

const PromptfooConfig = z
  .object({
    description: z.string().optional(),
    prompts: oneOrMore(z.union([z.string().transform((raw) => ({ raw })), PromptEntry])),
    providers: oneOrMore(Provider).default([]),
    tests: z
      .union([z.string().transform((one) => [one]), z.array(z.union([z.string(), record]))])
      .default([]),
    defaultTest: z
      .object({
        vars: record.default({}),
        assert: z.array(z.json()).default([]),
        threshold: z.number().optional(),
      })
      .loose()
      .optional(),
    tags: z.record(z.string(), z.string()).default({}),
  })
  .loose();

/** Of provider settings: where and as whom to ask belongs to the environment, not into a prompt. */
const CONNECTION =
  /^(?:api|base_?url|organization|headers)|key$|(?:api|auth|access|bearer)_?token$|secret|password|callbacks?$/i;
const READ_KEYS = new Set(["$schema", ...Object.keys(PromptfooConfig.shape)]);
const TEXT_FILES = new Set([".txt", ".md", ".j2"]);
const DATA_FILES = new Set([".json", ".yaml", ".yml"]);
const OWN_TYPES: ReadonlySet<string> = new Set(ASSERT_TYPES);

/** Where files are read, and whether outside of it as well. */
interface Folder {
  readonly path: string;
  /** Files that a configuration names outside of this folder are refused. Null: it may name any. */
  readonly wall: string | null;
}

/**
 * @param path the configuration file
 * @param options.outside reads what it names outside its folder as well
 * @throws CommandFailure exit code 3 for a file that can't be read or lies outside
 */
export async function readPromptfoo(
  path: string,
  { outside }: { readonly outside: boolean },
): Promise<Imported> {
  const folder: Folder = { path: dirname(path), wall: outside ? null : dirname(path) };
  const config = check(yamlOf(await readText(path, null), path), path);
  const notes: string[] = [];
  for (const key of Object.keys(config)) if (!READ_KEYS.has(key)) notes.push(`${key} is not carried over`);

  const [provider, ...others] = config.providers;
  if (others.length > 0)
    notes.push(`providers ${others.map(({ id }) => id).join(", ")} left out; a prompt has one model`);
  const settings = Object.entries(provider?.config ?? {});
  const dropped = settings.filter(([key]) => CONNECTION.test(key)).map(([key]) => key);
  if (dropped.length > 0)
    notes.push(`provider settings ${dropped.join(", ")} left out; they belong to the environment`);
  const extras = readExtras(config.tags["plumbline"], notes);
  const otherTags = Object.keys(config.tags).filter((tag) => tag !== "plumbline");
  if (otherTags.length > 0) notes.push(`tags ${otherTags.join(", ")} are not carried over`);

  const evalLines = await readTests(config, folder, extras, notes);
  const prompts: ImportedPrompt[] = [];
  for (const [i, entry] of config.prompts.entries()) {
    const messages = await readMessages(entry, folder, notes);
    if (messages === null) continue;
    const base = extras.use_case ?? useCaseFrom(nameOf(entry, path));
    if (base === null) continue;
    prompts.push({
      use_case: prompts.some(({ use_case }) => use_case === base) ? `${base}-${i + 1}` : base,
      model: provider === undefined ? null : modelFromProviderId(provider.id),
      config: Object.fromEntries(settings.filter(([key]) => !CONNECTION.test(key))),
      messages,
      extras,
      evalLines: evalLines.length > 0 ? evalLines : null,
    });
  }
  if (prompts.length > 1) notes.push("each prompt became a use case of its own, with the same eval cases");
  return { prompts, notes };
}

type Config = z.output<typeof PromptfooConfig>;
type Entry = {
  readonly id?: string | undefined;
  readonly raw?: string | undefined;
  readonly label?: string | undefined;
};

function check(value: unknown, path: string): Config {
  const parsed = PromptfooConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    EXIT.config,
    "not-promptfoo",
    `${path} is no promptfoo configuration: ${z.prettifyError(parsed.error)}`,
  );
}

function readExtras(tag: string | undefined, notes: string[]): Extras {
  if (tag === undefined) return {};
  const parsed = z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue("is not JSON");
        return z.NEVER;
      }
    })
    .pipe(Extras)
    .safeParse(tag);
  if (parsed.success) return parsed.data;
  notes.push("tag plumbline is not ours and was left out");
  return {};
}

/** The label, else the file's name, else the folder's. */
function nameOf({ label, id, raw = id ?? "" }: Entry, path: string): string {
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

async function readMessages(
  entry: Entry,
  folder: Folder,
  notes: string[],
): Promise<readonly PromptMessage[] | null> {
  const source = entry.raw ?? entry.id ?? "";
  const file = fileOf(source);
  if (file === null) return chatOf(parseText(source), source, notes);
  const kind = extname(file).toLowerCase();
  if (/[*?]/.test(file) || (!TEXT_FILES.has(kind) && !DATA_FILES.has(kind))) {
    notes.push(
      `${source} is not carried over: only text, JSON and YAML files are read, and nothing is executed`,
    );
    return null;
  }
  const text = await readText(resolve(folder.path, file), folder.wall);
  return chatOf(
    kind === ".json" ? parseText(text) : DATA_FILES.has(kind) ? yamlOf(text, file) : null,
    text,
    notes,
  );
}

const Chat = z.array(z.object({ role: z.string(), content: z.string() }));

/** Chat messages, else the whole text as the user's. */
function chatOf(value: unknown, text: string, notes: string[]): readonly PromptMessage[] {
  const chat = Chat.safeParse(value);
  if (!chat.success) return [{ role: "user", content: fromNunjucks(text) }];
  return chat.data.flatMap(({ role, content }): readonly PromptMessage[] => {
    const known = role === "developer" ? "system" : role;
    if (known === "system" || known === "user" || known === "assistant")
      return [{ role: known, content: fromNunjucks(content) }];
    notes.push(`a message of role ${role} is not carried over`);
    return [];
  });
}

/** One JSON line a case. */
async function readTests(
  config: Config,
  folder: Folder,
  extras: Extras,
  notes: string[],
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const test of config.tests) {
    if (typeof test === "string") lines.push(...(await readTestFile(test, folder, notes)));
    else lines.push(JSON.stringify(await withTexts(test, folder)));
  }
  const merged = mergeDefaults(lines, config.defaultTest, extras);
  const foreign = new Set<string>();
  for (const line of merged) {
    for (const type of line.matchAll(/"type":"(?:not-)?([a-z0-9-]+)"/g))
      if (!OWN_TYPES.has(type[1]!)) foreign.add(type[1]!);
  }
  if (foreign.size > 0)
    notes.push(`asserts of type ${[...foreign].toSorted().join(", ")} are kept; run those with promptfoo`);
  return merged;
}

async function readTestFile(source: string, folder: Folder, notes: string[]): Promise<readonly string[]> {
  const file = source.replace(/^file:\/\//, "");
  const path = resolve(folder.path, file);
  if (file.endsWith(".jsonl") && !file.includes("*"))
    return (await readText(path, folder.wall)).split("\n").filter((line) => line.trim() !== "");
  if (!DATA_FILES.has(extname(file)) || file.includes("*")) {
    notes.push(`tests ${source} are not carried over: only JSON lines, JSON and YAML files are read`);
    return [];
  }
  const cases = z.array(record).safeParse(yamlOf(await readText(path, folder.wall), path));
  if (!cases.success) {
    notes.push(`tests ${source} are not carried over: the file is no list of cases`);
    return [];
  }
  return Promise.all(
    cases.data.map(async (each) => JSON.stringify(await withTexts(each, { ...folder, path: dirname(path) }))),
  );
}

/** Texts that a case keeps in files of their own move into it: an eval set is hashed as a whole. */
async function withTexts(
  test: Record<string, JsonValue>,
  folder: Folder,
): Promise<Record<string, JsonValue>> {
  const vars = record.safeParse(test["vars"]);
  if (!vars.success) return test;
  const read = Object.entries(vars.data).map(async ([name, value]): Promise<[string, JsonValue]> => {
    const isText = typeof value === "string" && value.startsWith("file://") && TEXT_FILES.has(extname(value));
    return [
      name,
      isText ? await readText(resolve(folder.path, value.slice("file://".length)), folder.wall) : value,
    ];
  });
  return { ...test, vars: Object.fromEntries(await Promise.all(read)) };
}

/** Lines come back as they are when there is nothing to merge. */
function mergeDefaults(
  lines: readonly string[],
  defaults: Config["defaultTest"],
  extras: Extras,
): readonly string[] {
  if (defaults === undefined) return lines;
  // Defaults that came from a prompt file go back there.
  const vars = extras.defaults === undefined ? defaults.vars : {};
  if (Object.keys(vars).length === 0 && defaults.assert.length === 0 && defaults.threshold === undefined)
    return lines;
  return lines.map((line) => {
    const test = record.parse(JSON.parse(line));
    const own = z.array(z.json()).catch([]).parse(test["assert"]);
    return JSON.stringify({
      ...(defaults.threshold !== undefined && { threshold: defaults.threshold }),
      ...test,
      vars: { ...vars, ...record.catch({}).parse(test["vars"]) },
      assert: [...defaults.assert, ...own],
    });
  });
}

async function readText(path: string, wall: string | null): Promise<string> {
  try {
    const real = await realpath(path);
    if (wall !== null && isOutside(await realpath(wall), real)) throw outsideOf(wall, path);
    return await readFile(real, "utf8");
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(EXIT.precondition, "source-missing", `${path} cannot be read.`, {
      cause: error,
      next: "correct the path",
    });
  }
}

/** Both with their links resolved. */
function isOutside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === ".." || way.startsWith(`..${sep}`) || resolve(way) === way;
}

function outsideOf(folder: string, path: string): CommandFailure {
  return new CommandFailure(
    EXIT.config,
    "outside-folder",
    `${path} lies outside ${folder}, and is not read: who wrote the configuration would choose which of your files become a prompt.`,
    { next: "move the file into the folder, or give --outside when you trust the configuration" },
  );
}

function yamlOf(text: string, file: string): unknown {
  const read = readYaml(text, file);
  if (read.kind === "parsed") return read.value.value;
  throw new CommandFailure(EXIT.config, "not-yaml", read.problems.map(formatProblem).join("\n"));
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
