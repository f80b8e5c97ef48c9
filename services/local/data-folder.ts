/** The folder of local mode: made if need be, and tried before anything is opened in it. */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "@plumbline/ports";
import { makeFolder } from "@plumbline/runtime/make-folder";
import { closeToOthers } from "@plumbline/runtime/private-folder";
import { whyOf } from "@plumbline/runtime/system-error";

const SETTING = "--data-dir or PLUMBLINE_DATA_DIR";
const PROBE = ".write-probe";

/** @throws ConfigError in one sentence that names the folder, what is wrong with it and the setting that names another */
export async function openDataFolder(path: string): Promise<void> {
  try {
    // Customers' texts are kept here: nobody but the owner reads them.
    await makeFolder(path, { mode: 0o700 });
    await closeToOthers(path);
    const probe = join(path, PROBE);
    await (await open(probe, "w", 0o600)).close();
    await rm(probe);
  } catch (cause) {
    throw new ConfigError(`nothing can be kept in ${path}: ${whyOf(cause)}. ${NEXT}`, { cause });
  }
}

const NEXT = `Name another folder with ${SETTING}`;
