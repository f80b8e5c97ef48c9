import { chmod, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * closeToOthers closes a folder to other users of the machine: it holds customers' texts. Where they could get in, so
 * could they to everything in it, which is closed as well; links are not followed.
 */
export async function closeToOthers(folder: string): Promise<void> {
  const { mode } = await lstat(folder);
  if ((mode & 0o777) !== FOLDER_MODE) await closeAll(folder);
}

async function closeAll(folder: string): Promise<void> {
  // The folder first: from then on nobody else gets to what is in it.
  await chmod(folder, FOLDER_MODE);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await closeAll(path);
    else if (entry.isFile()) await chmod(path, FILE_MODE);
  }
}
