/** Files that somebody else's configuration names, read from within one folder. */
import { readFile, realpath } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { formatProblem, readYaml } from "@plumbline/prompts";
import { CommandFailure, EXIT } from "../shell/failure.ts";

/** Where files are read, and whether outside of it as well. */
export interface SourceFolder {
  readonly path: string;
  /** Files that a configuration names outside of this folder are refused. Null: it may name any. */
  readonly wall: string | null;
}

export const TEXT_FILES: ReadonlySet<string> = new Set([".txt", ".md", ".j2"]);
export const DATA_FILES: ReadonlySet<string> = new Set([".json", ".yaml", ".yml"]);

/** @throws CommandFailure when the file can't be read, or lies outside */
export async function readText(path: string, wall: string | null): Promise<string> {
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

/** @throws CommandFailure when it is not YAML, which JSON is as well */
export function yamlOf(text: string, file: string): unknown {
  const read = readYaml(text, file);
  if (read.kind === "parsed") return read.value.value;
  throw new CommandFailure(EXIT.config, "not-yaml", read.problems.map(formatProblem).join("\n"));
}

/** Null when it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
