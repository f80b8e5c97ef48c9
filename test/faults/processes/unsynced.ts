/**
 * What a loss of power leaves of a folder whose files nobody synced: of each young file all, a beginning, a beginning and
 * zeroes, or nothing, whatever became of its neighbours.
 */
import { readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "@plumbline/stats";

/** Files of a folder, with paths from it. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/**
 * @param synced files that were on the disk when the load began
 * @returns how many files were damaged
 */
export async function dropUnsynced(
  folder: string,
  synced: ReadonlySet<string>,
  random: Random,
): Promise<number> {
  let damaged = 0;
  for (const file of await filesIn(folder)) {
    if (synced.has(file)) continue;
    const { size } = await stat(file);
    const kept = random.integer(size + 1);
    switch (random.integer(20)) {
      case 0:
        await rm(file);
        break;
      case 1:
        await truncate(file, kept);
        break;
      case 2:
        await truncate(file, kept);
        await truncate(file, size);
        break;
      default:
        continue;
    }
    damaged += 1;
  }
  return damaged;
}
