/** Figures of the house, and the bounds that hold. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { cyclesOf, reach } from "./graph.ts";
import type { SourceFile, SourceTree } from "./source-tree.ts";

interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

export interface House {
  readonly files: number;
  readonly lines: number;
  readonly file_lines: Spread;
  readonly function_lines: Spread;
  readonly folder_files: Spread;
  readonly long_files: readonly string[];
  readonly long_functions: readonly string[];
  readonly full_folders: readonly string[];
  readonly file_circles: readonly (readonly string[])[];
  readonly folder_circles: readonly (readonly string[])[];
  /** Exported and imported by no other file, be it a test's. */
  readonly unused_exports: readonly string[];
  /** Imported from no entry of the product. */
  readonly unreached_files: readonly string[];
  /** Files and lines that a call's path takes from the emitter to the notifier, libraries included. */
  readonly emit_to_notification: { readonly files: number; readonly lines: number };
  /** Files that hold a verdict in hand, in one of its shapes, on its way from the stored row to the message. */
  readonly verdict_to_message: readonly string[];
  /** Everything of the monitor and the alerts that those import, with what lends a hand and knows nothing of verdicts. */
  readonly verdict_imports: number;
}

export const BOUNDS = {
  file_lines: 400,
  function_lines: 120,
  folder_files: 16,
  verdict_to_message: 22,
} as const;

/** From the call that an application emits to the message that people read. */
const WALK = [
  "packages/emitter/emitter.ts",
  "services/collector/service.ts",
  "services/writer/service.ts",
  "services/judge/service.ts",
  "services/monitor/service.ts",
  "services/notifier/service.ts",
];
/** Where a stored verdict is read, and where the message about it leaves. */
const VERDICT_WALK = ["services/monitor/quality/quality-monitor.ts", "alerts/message/message.ts"];
/**
 * The shapes of a verdict on its way: a judged unit, the evidence of its hour, what the detector reads, the finding, its
 * detection, the event in the log, the incident, the message. Whoever follows a verdict opens the files that have one of
 * these in hand; files without, such as those that say which version serves or how a number is written, are looked up.
 */
const VERDICT_SHAPES: ReadonlySet<string> = new Set([
  "JudgedUnitRow",
  "JudgedUnit",
  "HourEvidence",
  "WatchReading",
  "AlarmReading",
  "Finding",
  "QualityDetection",
  "Detection",
  "IncidentEvent",
  "IncidentState",
  "Message",
]);
/** Below the rooms: vocabulary, formulas and technologies, which a verdict meets and which know nothing of it. */
const LIBRARIES = /^(schemas|packages)\//;

export function measureHouse(tree: SourceTree): House {
  const files = [...tree.product.values()];
  const importsOf = new Map(
    files.map(({ path, imports }) => [
      path,
      new Set(imports.map(({ file }) => file).filter((file) => file !== path && tree.product.has(file))),
    ]),
  );
  // An entry that hands names on, such as the index of a published package, needs where they are from.
  const needed = new Map(
    files.map(({ path, reexports }) => [
      path,
      new Set([...importsOf.get(path)!, ...reexports.map(({ file }) => file)]),
    ]),
  );
  const folders = new Map<string, SourceFile[]>();
  for (const file of files) {
    const folder = dirname(file.path);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  const folderImports = new Map<string, Set<string>>();
  for (const [path, imported] of importsOf) {
    const from = dirname(path);
    const to = folderImports.get(from) ?? new Set();
    folderImports.set(from, to);
    for (const file of imported) if (dirname(file) !== from) to.add(dirname(file));
  }
  const functions = files.flatMap(({ path, functions: all }) =>
    all.map(({ name, lines }) => ({ name: `${path} ${name}`, lines })),
  );
  const walked = reach(WALK, importsOf);
  const verdictImports = [...reach(VERDICT_WALK, valueImports(files))].filter(
    (path) => !LIBRARIES.test(path),
  );
  const entries = entriesOf(files);
  const reached = reach(
    entries.flatMap((path) => [path, ...(needed.get(path) ?? [])]),
    importsOf,
  );
  return {
    files: files.length,
    lines: sum(files),
    file_lines: spread(files.map(({ lines }) => lines)),
    function_lines: spread(functions.map(({ lines }) => lines)),
    folder_files: spread([...folders.values()].map((inside) => inside.length)),
    long_files: longerThan(
      BOUNDS.file_lines,
      files.map(({ path, lines }) => ({ name: path, lines })),
    ),
    long_functions: longerThan(BOUNDS.function_lines, functions),
    full_folders: longerThan(
      BOUNDS.folder_files,
      [...folders].map(([name, inside]) => ({ name, lines: inside.length })),
    ),
    file_circles: cyclesOf(importsOf),
    folder_circles: cyclesOf(folderImports),
    unused_exports: unusedExports(tree),
    unreached_files: files
      .filter(({ path, exports: own }) => !reached.has(path) && own.length > 0)
      .map(({ path }) => path),
    emit_to_notification: { files: walked.size, lines: sum(files.filter(({ path }) => walked.has(path))) },
    verdict_to_message: verdictImports.filter((path) => holdsVerdict(tree.product.get(path)!)).toSorted(),
    verdict_imports: verdictImports.length,
  };
}

/** Everything that somebody starts or imports from outside: processes, commands of package.json, published packages. */
function entriesOf(files: readonly SourceFile[]): readonly string[] {
  const paths = files.map(({ path }) => path);
  const commands = JSON.stringify(readJson("package.json")["scripts"]);
  const published = ["emitter", "client", "scripted-provider"].flatMap((name) => {
    const exported = readJson(`packages/${name}/package.json`)["exports"];
    return [...JSON.stringify(exported).matchAll(/"source":"\.\/([^"*]+)"/g)].map(
      ([, file]) => `packages/${name}/${file}`,
    );
  });
  return paths.filter(
    (path) => path.endsWith("/main.ts") || commands.includes(path) || published.includes(path),
  );
}

function unusedExports({ product, others }: SourceTree): readonly string[] {
  const used = new Map<string, Set<string>>();
  for (const { path, imports } of [...product.values(), ...others]) {
    for (const { file, names } of imports) {
      if (file === path) continue;
      const known = used.get(file) ?? new Set();
      used.set(file, known);
      for (const name of names) known.add(name);
    }
  }
  const entries = new Set(entriesOf([...product.values()]));
  for (const path of entries) {
    for (const { file, imported } of product.get(path)?.reexports ?? []) {
      used.set(file, (used.get(file) ?? new Set()).add(imported));
    }
  }
  return [...product.values()]
    .filter(({ path }) => !entries.has(path) && used.get(path)?.has("*") !== true)
    .flatMap(({ path, exports: names }) =>
      names.filter((name) => used.get(path)?.has(name) !== true).map((name) => `${path} ${name}`),
    );
}

function holdsVerdict({ path, imports, exports }: SourceFile): boolean {
  const names = [...exports, ...imports.flatMap((each) => each.names)];
  return VERDICT_WALK.includes(path) || names.some((name) => VERDICT_SHAPES.has(name));
}

function valueImports(files: readonly SourceFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    files.map(({ path, imports }) => [
      path,
      new Set(imports.filter(({ isTypeOnly }) => !isTypeOnly).map(({ file }) => file)),
    ]),
  );
}

function longerThan(
  bound: number,
  all: readonly { readonly name: string; readonly lines: number }[],
): readonly string[] {
  return all
    .filter(({ lines }) => lines > bound)
    .toSorted((a, b) => b.lines - a.lines)
    .map(({ name, lines }) => `${name}: ${lines}`);
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { median: at(0.5), p95: at(0.95), max: at(1) };
}

function sum(files: readonly SourceFile[]): number {
  return files.reduce((total, { lines }) => total + lines, 0);
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8")) as never;
}
