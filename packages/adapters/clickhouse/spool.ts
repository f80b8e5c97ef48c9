/**
 * Binary blocks for the in-process engine. Its driver takes text formats only, so a block goes through a file, which
 * stays in the page cache: written, read by `file()`, emptied. The file itself is kept for the next block: ext4 looks
 * past every inode removed in the last minutes whenever it makes a file, and the engine makes dozens for each insert.
 */
import { mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quoteString } from "./sql/sql-text.ts";

const SUFFIX = ".native";

interface Spool {
  /**
   * @param statement an INSERT that ends where its FORMAT clause or SELECT would begin
   * @param run runs one statement
   * @param structure names and types of the columns, when known: the engine would read the block once more to find them out
   */
  insert(
    statement: string,
    bytes: Uint8Array,
    run: (statement: string) => Promise<unknown>,
    structure?: string,
  ): Promise<void>;
}

/** @param folder is made when it isn't there; what a killed process left in it is removed */
export async function openSpool(folder: string): Promise<Spool> {
  await mkdir(folder, { recursive: true });
  const left = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
  const free: string[] = [];
  let made = 0;
  return {
    async insert(statement, bytes, run, structure) {
      const file = free.pop() ?? join(folder, `${made++}${SUFFIX}`);
      try {
        await writeFile(file, bytes);
        const columns = structure === undefined ? "" : `, ${quoteString(structure)}`;
        await run(`${statement} SELECT * FROM file(${quoteString(file)}, Native${columns})`);
      } finally {
        // Texts of calls must not lie about after their insert.
        await truncate(file).catch(() => undefined);
        free.push(file);
      }
    },
  };
}
