/** The eval cases of a promptfoo configuration, as JSON lines. */
import { extname, dirname, resolve } from "node:path";
import { ASSERT_TYPES, type JsonValue } from "@plumbline/prompts";
import { z } from "zod";
import type { Extras } from "./imported-prompt.ts";
import { DATA_FILES, jsonOf, readText, type SourceFolder, TEXT_FILES, yamlOf } from "./source-folder.ts";

const record = z.record(z.string(), z.json());
const OWN_TYPES: ReadonlySet<string> = new Set(ASSERT_TYPES);

export const DefaultTest = z
  .object({
    vars: record.default({}),
    assert: z.array(z.json()).default([]),
    threshold: z.number().optional(),
  })
  .loose();
type DefaultTest = z.output<typeof DefaultTest>;

interface ReadTests {
  /** One JSON line a case. */
  readonly lines: readonly string[];
  readonly notes: readonly string[];
  /** Sources of cases that could not be read, with the reason as a sentence without a full stop. */
  readonly unread: readonly { readonly source: string; readonly why: string }[];
}

export async function readTests(
  tests: readonly unknown[],
  { defaults, extras }: { readonly defaults: DefaultTest | undefined; readonly extras: Extras },
  folder: SourceFolder,
): Promise<ReadTests> {
  const lines: string[] = [];
  const unread: { source: string; why: string }[] = [];
  for (const [i, test] of tests.entries()) {
    if (typeof test === "string") {
      const read = await readTestFile(test, folder);
      if (typeof read === "string") unread.push({ source: `tests ${test}`, why: read });
      else lines.push(...read);
      continue;
    }
    const one = record.safeParse(test);
    if (one.success) lines.push(JSON.stringify(await withTexts(one.data, folder)));
    else
      unread.push({
        source: `tests.${i}`,
        why: "is no case that can be read: an object with vars and assert",
      });
  }
  const merged = mergeDefaults(lines, defaults, extras);
  const why = whyChanged({ options: withoutAround(defaults?.["options"]), assert: [] });
  if (why !== null) unread.push({ source: "defaultTest", why });
  for (const [i, line] of merged.entries()) {
    const why = whyChanged(jsonOf(line));
    if (why !== null) unread.push({ source: `case ${i + 1}`, why });
  }
  const foreign = new Set<string>();
  for (const line of merged) {
    for (const type of line.matchAll(/"type":"(?:not-)?([a-z0-9-]+)"/g))
      if (!OWN_TYPES.has(type[1]!)) foreign.add(type[1]!);
  }
  const notes =
    foreign.size === 0
      ? []
      : [`asserts of type ${[...foreign].toSorted().join(", ")} are kept; run those with promptfoo`];
  return { lines: merged, notes, unread };
}

/** Of the options of a case, those that change what a model is sent or what is checked of its answer. */
const CHANGING_OPTIONS: readonly string[] = ["prefix", "suffix", "transform", "transformVars", "postprocess"];
const Options = z.looseObject({}).catch({});
const Changed = z.object({
  options: Options,
  assert: z.array(Options).catch([]),
});

/** Text around the prompts is read with them. */
function withoutAround(options: unknown): unknown {
  const { prefix: _prefix, suffix: _suffix, ...others } = Options.parse(options);
  return others;
}

/** Why an answer to the case would be checked otherwise here than there; null when it would not. */
function whyChanged(test: unknown): string | null {
  const { options, assert } = Changed.safeParse(test).data ?? { options: {}, assert: [] };
  const option = CHANGING_OPTIONS.find((name) => options[name] !== undefined);
  if (option !== undefined) return `has options.${option}, which nothing here carries out`;
  return assert.some(({ transform }) => transform !== undefined)
    ? "has an assert with transform, which nothing here carries out"
    : null;
}

/** Lines, or why there are none. */
async function readTestFile(source: string, folder: SourceFolder): Promise<readonly string[] | string> {
  const file = source.replace(/^file:\/\//, "");
  const path = resolve(folder.path, file);
  if (file.endsWith(".jsonl") && !file.includes("*"))
    return (await readText(path, folder.wall)).split("\n").filter((line) => line.trim() !== "");
  if (!DATA_FILES.has(extname(file)) || file.includes("*"))
    return "only JSON lines, JSON and YAML files are read, one by one";
  const cases = z.array(record).safeParse(yamlOf(await readText(path, folder.wall), path));
  if (!cases.success) return "the file is no list of cases";
  return Promise.all(
    cases.data.map(async (each) => JSON.stringify(await withTexts(each, { ...folder, path: dirname(path) }))),
  );
}

/** Texts that a case keeps in files of their own move into it: an eval set is hashed as a whole. */
async function withTexts(
  test: Record<string, JsonValue>,
  folder: SourceFolder,
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
  defaults: DefaultTest | undefined,
  extras: Extras,
): readonly string[] {
  if (defaults === undefined) return lines;
  // Defaults that came from a prompt file go back there.
  const vars = extras.defaults === undefined ? defaults.vars : {};
  if (Object.keys(vars).length === 0 && defaults.assert.length === 0 && defaults.threshold === undefined)
    return lines;
  return lines.map((line) => {
    const test = record.safeParse(jsonOf(line));
    // The check of the eval set names the line.
    if (!test.success) return line;
    const own = z.array(z.json()).catch([]).parse(test.data["assert"]);
    return JSON.stringify({
      ...(defaults.threshold !== undefined && { threshold: defaults.threshold }),
      ...test.data,
      vars: { ...vars, ...record.catch({}).parse(test.data["vars"]) },
      assert: [...defaults.assert, ...own],
    });
  });
}
