/** The product's source files as a graph: what each imports, exports and how long its functions are. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync, Visitor } from "oxc-parser";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What is not shipped: tests, benches and what surrounds the product. */
const NOT_PRODUCT =
  /^(test|bench|examples|infra)\/|\.(test|contract|fixture|config)\.ts$|^[a-z.-]+\.config\.ts$/;

export interface FunctionSize {
  readonly name: string;
  readonly lines: number;
}

export interface Import {
  readonly file: string;
  /** Names as the other file exports them; `*` for all of them. */
  readonly names: readonly string[];
  /** Gone once compiled. */
  readonly isTypeOnly: boolean;
}

/** A name that a file hands on; `*` hands on all of them. */
interface Reexport {
  readonly file: string;
  readonly imported: string;
  readonly exported: string;
}

export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Names of its own. */
  readonly exports: readonly string[];
  readonly reexports: readonly Reexport[];
  readonly functions: readonly FunctionSize[];
}

export interface SourceTree {
  /** By path. */
  readonly product: ReadonlyMap<string, SourceFile>;
  /** Tests, benches and the like, which may keep a name in use but not a file in the product. */
  readonly others: readonly SourceFile[];
}

export function readSourceTree(): SourceTree {
  const paths = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
    cwd: ROOT,
    encoding: "utf8",
  })
    .split("\n")
    .filter((path) => path !== "" && !path.endsWith(".d.ts") && existsSync(join(ROOT, path)));
  const read = paths.map((path) => readSourceFile(path, readFileSync(join(ROOT, path), "utf8")));
  const byPath = new Map(read.map((file) => [file.path, file]));
  const files = read.map((file) => ({
    ...file,
    imports: file.imports.flatMap((each) => importsFromSources(each, byPath)),
  }));
  return {
    product: new Map(files.filter(({ path }) => !NOT_PRODUCT.test(path)).map((file) => [file.path, file])),
    others: files.filter(({ path }) => NOT_PRODUCT.test(path)),
  };
}

/** An import through a file that hands names on is one of the files that they are from. */
function importsFromSources(through: Import, files: ReadonlyMap<string, SourceFile>): readonly Import[] {
  const names = new Map<string, string[]>();
  for (const name of through.names.length === 0 ? ["*"] : through.names) {
    const source = sourceOf(through.file, name, files);
    names.set(source.file, [...(names.get(source.file) ?? []), source.name]);
  }
  return [...names].map(([file, all]) => ({ file, names: all, isTypeOnly: through.isTypeOnly }));
}

function sourceOf(
  file: string,
  name: string,
  files: ReadonlyMap<string, SourceFile>,
): { readonly file: string; readonly name: string } {
  const { exports = [], reexports = [] } = files.get(file) ?? {};
  if (name === "*" || exports.includes(name)) return { file, name };
  const named = reexports.find(({ exported }) => exported === name);
  if (named !== undefined) return sourceOf(named.file, named.imported, files);
  for (const { file: next, exported } of reexports) {
    if (exported !== "*") continue;
    const found = sourceOf(next, name, files);
    if (files.get(found.file)?.exports.includes(found.name) === true) return found;
  }
  return { file, name };
}

/** @param path from the root of the repository */
export function readSourceFile(path: string, text: string): SourceFile {
  const { module, program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const lineOf = lineFinder(text);
  const imports: Import[] = [];
  const note = (specifier: string, names: readonly string[], isTypeOnly: boolean): void => {
    const file = resolveImport(path, specifier);
    if (file !== null) imports.push({ file, names, isTypeOnly });
  };
  for (const { moduleRequest, entries } of module.staticImports) {
    note(
      moduleRequest.value,
      entries.map(({ importName }) => importName.name ?? (importName.kind === "Default" ? "default" : "*")),
      entries.length > 0 && entries.every(({ isType }) => isType),
    );
  }
  const exported = new Set<string>();
  const reexports: Reexport[] = [];
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, importName, exportName } of entries) {
      const name = exportName.kind === "Default" ? "default" : (exportName.name ?? "*");
      if (moduleRequest === null) {
        exported.add(name);
        continue;
      }
      const file = resolveImport(path, moduleRequest.value);
      if (file !== null) reexports.push({ file, imported: importName.name ?? "*", exported: name });
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const specifier = /^["'](.*)["']$/.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[1];
    if (specifier !== undefined) note(specifier, ["*"], false);
  }

  const functions: FunctionSize[] = [];
  const measure = (
    node: { readonly start: number; readonly end: number },
    name: string | undefined,
  ): void => {
    functions.push({
      name: name ?? `line ${lineOf(node.start)}`,
      lines: lineOf(node.end) - lineOf(node.start) + 1,
    });
  };
  new Visitor({
    FunctionDeclaration: (node) => measure(node, node.id?.name),
    FunctionExpression: (node) => measure(node, node.id?.name),
    ArrowFunctionExpression: (node) => measure(node, undefined),
  }).visit(program);
  return { path, lines: text.split("\n").length - 1, imports, exports: [...exported], reexports, functions };
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

/** The file of ours that an import means, from the root; null for anything else. */
function resolveImport(from: string, specifier: string): string | null {
  if (specifier.startsWith(".")) return relative(ROOT, join(ROOT, dirname(from), specifier));
  const [, short, rest] = /^@plumbline\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  if (short === undefined) return null;
  const folder = ["schemas", "alerts", "services"].includes(short) ? short : `packages/${short}`;
  const path = `${folder}/${rest ?? "index"}.ts`;
  return existsSync(join(ROOT, path)) ? path : `${folder}/${rest}/index.ts`;
}
