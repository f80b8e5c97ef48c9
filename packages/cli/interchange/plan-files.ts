/** Writes files that nobody else's work is lost by. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "@plumbline/runtime/make-folder";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import type { WrittenFile } from "./promptfoo-write.ts";

interface FileOutcome {
  readonly path: string;
  readonly outcome: "written" | "replaced" | "unchanged";
}

/**
 * All of the files or none: what is in the way, and a full disk, are found before any of them stands in its place.
 *
 * @throws CommandFailure exit code 6 when a file is there with other content and `force` does not say to replace it
 */
export async function writeFiles(
  root: string,
  files: readonly WrittenFile[],
  { force }: { readonly force: boolean },
): Promise<readonly FileOutcome[]> {
  const outcomes = await Promise.all(
    files.map(async ({ path, text }): Promise<FileOutcome> => {
      const before = await readIfAny(join(root, path));
      return { path, outcome: before === null ? "written" : before === text ? "unchanged" : "replaced" };
    }),
  );
  const inTheWay = outcomes.filter(({ outcome }) => outcome === "replaced").map(({ path }) => path);
  if (inTheWay.length > 0 && !force) {
    throw new CommandFailure(
      EXIT.refused,
      "file-exists",
      `Nothing was written: ${inTheWay.join(", ")} ${inTheWay.length === 1 ? "is" : "are"} there already, with other content.`,
      { next: "the same command with --force, which replaces them", details: inTheWay },
    );
  }
  const changed = files.filter((_, i) => outcomes[i]!.outcome !== "unchanged");
  const beside = changed.map(({ path }) => join(root, `${path}.${process.pid}.part`));
  try {
    for (const [i, { text }] of changed.entries()) {
      await makeFolder(dirname(beside[i]!));
      await writeFile(beside[i]!, text);
    }
    for (const [i, { path }] of changed.entries()) await rename(beside[i]!, join(root, path));
  } finally {
    await Promise.all(beside.map((path) => rm(path, { force: true })));
  }
  return outcomes;
}

export function describeFiles(outcomes: readonly FileOutcome[]): readonly string[] {
  return outcomes.map(({ path, outcome }) => `  ${outcome.padEnd(9)}  ${path}`);
}

async function readIfAny(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
