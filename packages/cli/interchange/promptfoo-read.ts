/**
 * `promptfooconfig.yaml` and the files it names, read into prompts and eval cases. Nothing of it is executed, and nothing
 * outside its folder is read unless a person says so.
 */
import { basename, dirname } from "node:path";
import type { FileProblem, JsonValue } from "@plumbline/prompts";
import { z } from "zod";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { Extras, type Imported } from "./imported-prompt.ts";
import { modelFromProviderId } from "./model-name.ts";
import { type Around, readPrompts } from "./promptfoo-prompts.ts";
import { DefaultTest, readTests } from "./promptfoo-tests.ts";
import { readText, type SourceFolder, yamlOf } from "./source-folder.ts";
import { uniqueNames } from "./unique-names.ts";

const record = z.record(z.string(), z.json());
const list = z
  .unknown()
  .transform((given) => (Array.isArray(given) ? (given as readonly unknown[]) : [given]));

const PromptfooConfig = z
  .object({
    description: z.string().optional(),
    prompts: z.unknown().refine((given) => given !== undefined && given !== null, { error: "is missing" }),
    providers: list.optional(),
    /** Another word for providers. */
    targets: list.optional(),
    tests: list.optional(),
    defaultTest: DefaultTest.optional(),
    tags: z.record(z.string(), z.string()).default({}),
  })
  .loose();
type Config = z.output<typeof PromptfooConfig>;

const Provider = z.object({ id: z.string(), config: record.default({}) });
type Provider = z.output<typeof Provider>;

/** Of provider settings: where and as whom to ask belongs to the environment, not into a prompt. */
const CONNECTION =
  /^(?:api|base_?url|organization|headers)|key$|(?:api|auth|access|bearer)_?token$|secret|password|callbacks?$/i;
const READ_KEYS = new Set(["$schema", ...Object.keys(PromptfooConfig.shape)]);
/**
 * @param path the configuration file
 * @param options.outside reads what it names outside its folder as well
 * @throws CommandFailure exit code 3 for a file that can't be read or lies outside
 */
export async function readPromptfoo(
  path: string,
  { outside }: { readonly outside: boolean },
): Promise<Imported> {
  const folder: SourceFolder = { path: dirname(path), wall: outside ? null : dirname(path) };
  const config = check(yamlOf(await readText(path, null), path), path);
  const notes: string[] = [];
  const leftOut: FileProblem[] = [];
  const leaveOut = (field: string, message: string, fix: string): void =>
    void leftOut.push({ file: basename(path), line: 0, field, message, fix });
  for (const key of Object.keys(config)) {
    if (key === "scenarios") leaveOut(key, "holds cases that are not read", "Write them under tests");
    else if (!READ_KEYS.has(key)) notes.push(`${key} is not carried over`);
  }
  const { model, settings } = readProviders(config, notes);
  const extras = readExtras(config.tags["plumbline"], notes);
  const otherTags = Object.keys(config.tags).filter((tag) => tag !== "plumbline");
  if (otherTags.length > 0) notes.push(`tags ${otherTags.join(", ")} are not carried over`);

  const tests = await readTests(config.tests ?? [], { defaults: config.defaultTest, extras }, folder);
  for (const { source, why } of tests.unread)
    leaveOut(source, why, "Save the cases as JSON lines, and name that file");
  const read = await readPrompts(config.prompts, { folder, path, around: aroundOf(config.defaultTest) });
  leftOut.push(...read.leftOut);
  notes.push(...tests.notes, ...read.notes);
  const names =
    read.prompts.length === 1 && extras.use_case !== undefined
      ? [extras.use_case]
      : uniqueNames(
          read.prompts.map(({ name }) => name),
          (name, became, why) => notes.push(`${name} became ${became}: ${why}`),
        );
  if (names.length > 1) notes.push("each prompt became a use case of its own, with the same eval cases");
  return {
    prompts: read.prompts.map(({ messages, config: own }, i) => ({
      use_case: names[i]!,
      model,
      config: { ...settings, ...withoutConnection(own, notes) },
      messages,
      extras,
      // A part of the cases would pass for all of them.
      evalLines: tests.lines.length > 0 && tests.unread.length === 0 ? tests.lines : null,
    })),
    notes,
    leftOut,
  };
}

function check(value: unknown, path: string): Config {
  const parsed = PromptfooConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    EXIT.config,
    "not-promptfoo",
    `${path} is no promptfoo configuration: ${z.prettifyError(parsed.error)}`,
  );
}

/** Text that every case of promptfoo has around its prompt. */
function aroundOf(defaults: Config["defaultTest"]): Around {
  const { prefix = "", suffix = "" } = AroundOptions.safeParse(defaults?.["options"]).data ?? {};
  return { prefix, suffix };
}

const AroundOptions = z.looseObject({ prefix: z.string().optional(), suffix: z.string().optional() });

/** The first provider's model and settings; null for a model that is none. */
function readProviders(
  { providers = [], targets = [] }: Config,
  notes: string[],
): { readonly model: string | null; readonly settings: Readonly<Record<string, JsonValue>> } {
  const [first, ...others] = [...providers, ...targets].map(providerOf);
  const named = others.map((each) => each?.id ?? "that is none");
  if (named.length > 0) notes.push(`providers ${named.join(", ")} left out; a prompt has one model`);
  const model = first === undefined || first === null ? null : modelFromProviderId(first.id);
  if (first !== undefined && model === null)
    notes.push(`the provider ${first?.id ?? ""} names no model; give --model provider/model`);
  return { model, settings: first ? withoutConnection(first.config, notes) : {} };
}

/** `openai:gpt-5-mini`, `{id, config}`, or `{"openai:gpt-5-mini": {config}}`; null for anything else. */
function providerOf(given: unknown): Provider | null {
  if (typeof given === "string") return { id: given, config: {} };
  const whole = Provider.safeParse(given);
  if (whole.success) return whole.data;
  const [entry, ...others] = typeof given === "object" && given !== null ? Object.entries(given) : [];
  if (entry === undefined || others.length > 0) return null;
  const options = Provider.partial().safeParse(entry[1]);
  return options.success ? { id: options.data.id ?? entry[0], config: options.data.config ?? {} } : null;
}

function withoutConnection(
  settings: Readonly<Record<string, JsonValue>>,
  notes: string[],
): Readonly<Record<string, JsonValue>> {
  const dropped = Object.keys(settings).filter((key) => CONNECTION.test(key));
  if (dropped.length > 0)
    notes.push(`provider settings ${dropped.join(", ")} left out; they belong to the environment`);
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !dropped.includes(key)));
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
