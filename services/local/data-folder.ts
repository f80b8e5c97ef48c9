/** The folder of local mode: made if need be, and tried before anything is opened in it. */
import { mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "@plumbline/ports";
import { closeToOthers } from "@plumbline/runtime/private-folder";

const SETTING = "--data-dir or PLUMBLINE_DATA_DIR";
const PROBE = ".write-probe";

/** @throws ConfigError in one sentence that names the folder, what is wrong with it and the setting that names another */
export async function openDataFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
    await closeToOthers(path);
    const probe = join(path, PROBE);
    await (await open(probe, "w", 0o600)).close();
    await rm(probe);
  } catch (cause) {
    const { code = "unknown error" } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`nothing can be kept in ${path}: ${WHY[code] ?? code}. ${NEXT}`, { cause });
  }
}

/** Not with `recursive`: where a parent can't be made, such as in /proc, Node 20 then tries for ever. */
async function makeFolder(path: string): Promise<void> {
  try {
    // Customers' texts are kept here: nobody but the owner reads them.
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path || (await isThere(parent))) throw error;
    await makeFolder(parent);
    await mkdir(path, { mode: 0o700 });
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

const NEXT = `Name another folder with ${SETTING}`;
const WHY: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "its disk is read-only",
  ENOSPC: "its disk is full",
  EDQUOT: "this user's share of its disk is full",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "it is a file, not a folder",
  ENOENT: "a part of the path does not exist and can't be made",
  ENAMETOOLONG: "the path is too long",
};
