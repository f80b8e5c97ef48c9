import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder } from "@plumbline/runtime/make-folder";

interface WrittenFiles {
  readonly written: readonly string[];
  /** Were there already, and are as they were. */
  readonly kept: readonly string[];
}

/**
 * Writes what is not there yet and never overwrites: two runs leave what one does.
 *
 * @param files path relative to the folder, to text
 */
export async function writeNewFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<WrittenFiles> {
  await makeFolder(folder);
  const config = (await readdir(folder)).find((name) =>
    /^plumbline\.config\.(?:ya?ml|json|mjs|ts)$/.test(name),
  );
  const written: string[] = [];
  const kept: string[] = [];
  for (const [path, text] of files) {
    // One configuration a folder, whatever its form.
    if (path.startsWith("plumbline.config.") && config !== undefined) kept.push(config);
    else if (await writeNew(join(folder, path), text)) written.push(path);
    else kept.push(path);
  }
  return { written, kept };
}

/** @returns false when the file exists */
async function writeNew(path: string, text: string): Promise<boolean> {
  await makeFolder(dirname(path));
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
