/** Where a project is, and its configuration: `plumbline.config.*` in this folder or the nearest above. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkConfig, formatProblem, parseConfig, type Parsed } from "@plumbline/prompts";
import type { ConfigFile } from "@plumbline/schemas";
import { CommandFailure, EXIT } from "../shell/failure.ts";

const TEXTS = ["yaml", "yml", "json"] as const;
const MODULES = ["ts", "mjs"] as const;
const NAMES = [...TEXTS, ...MODULES].map((extension) => `plumbline.config.${extension}`);

export interface FoundConfig {
  /** Absolute path of the folder that holds the file. */
  readonly root: string;
  /** Name of the file. */
  readonly file: string;
  readonly config: ConfigFile;
}

/**
 * @param from folder where the search begins
 * @throws CommandFailure exit code 3 when there is none, more than one in a folder, or one that is wrong
 */
export async function findConfig(from: string): Promise<FoundConfig> {
  let folder = resolve(from);
  for (;;) {
    const found = await namesIn(folder);
    if (found.length > 1) {
      throw new CommandFailure(
        EXIT.config,
        "config",
        `${folder} has ${found.join(" and ")}. Keep one of them.`,
      );
    }
    if (found[0] !== undefined) return read(folder, found[0]);
    const above = dirname(folder);
    if (above === folder) break;
    folder = above;
  }
  throw new CommandFailure(
    EXIT.config,
    "config-missing",
    `There is no plumbline.config.yaml (or .json, .mjs, .ts) in ${resolve(from)} or above.`,
    { next: "plumbline init" },
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const all = await Promise.all(
    NAMES.map((name) =>
      stat(join(folder, name)).then(
        (entry) => entry.isFile(),
        () => false,
      ),
    ),
  );
  return NAMES.filter((_name, i) => all[i]);
}

async function read(root: string, file: string): Promise<FoundConfig> {
  const isText = TEXTS.some((extension) => file.endsWith(`.${extension}`));
  const parsed: Parsed<ConfigFile> = isText
    ? parseConfig(await readFile(join(root, file), "utf8"), file)
    : checkConfig(await load(join(root, file)), file);
  if (parsed.kind === "parsed") return { root, file, config: parsed.value };
  throw new CommandFailure(EXIT.config, "config", parsed.problems.map(formatProblem).join("\n"), {
    details: parsed.problems,
  });
}

async function load(path: string): Promise<unknown> {
  try {
    const loaded: unknown = await import(pathToFileURL(path).href);
    if (typeof loaded === "object" && loaded !== null && "default" in loaded) return loaded.default;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isType = error instanceof Error && "code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION";
    throw new CommandFailure(
      EXIT.config,
      "config",
      isType
        ? `This version of Node does not read ${path}: TypeScript needs Node 22.18 or newer.`
        : `${path} cannot be loaded: ${why}`,
      { cause: error, ...(isType && { next: "rename it to plumbline.config.mjs, or write YAML" }) },
    );
  }
  throw new CommandFailure(
    EXIT.config,
    "config",
    `${path} has no default export. Write: export default { … }`,
  );
}
