/**
 * Binary blocks for the in-process engine. Its driver takes text formats only, so a block goes through a file, which
 * stays in the page cache: written, read by `file()`, removed.
 */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quoteString } from "./sql-text.ts";

const SUFFIX = ".native";

export interface Spool {
  /**
   * @param statement an INSERT that ends where its FORMAT clause or SELECT would begin
   * @param run runs one statement
   */
  insert(statement: string, bytes: Uint8Array, run: (statement: string) => Promise<unknown>): Promise<void>;
}

/** @param folder is made when it isn't there; what a killed process left in it is removed */
export async function openSpool(folder: string): Promise<Spool> {
  await mkdir(folder, { recursive: true });
  const left = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
  let next = 0;
  return {
    async insert(statement, bytes, run) {
      const file = join(folder, `${next++}${SUFFIX}`);
      try {
        await writeFile(file, bytes);
        await run(`${statement} SELECT * FROM file(${quoteString(file)}, Native)`);
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}
