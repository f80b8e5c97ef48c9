/** Folders that a person named. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * makeFolder makes a folder and those above it; one that is there already is left as it is. `mkdir` with `recursive`
 * does the same, but where a parent can't be made, such as in /proc, Node 20 tries for ever.
 *
 * @param mode of the folders that are made
 * @throws the system's error, such as EACCES, ENOTDIR or ENOENT
 */
export async function makeFolder(
  path: string,
  { mode = 0o777 }: { readonly mode?: number } = {},
): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path || (await isThere(parent))) throw error;
    await makeFolder(parent, { mode });
    await makeFolder(path, { mode });
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
