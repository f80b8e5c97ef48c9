import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ANSWER_BYTES_MAX } from "../http-get.ts";
import type { StateStore } from "../state-store.ts";

/**
 * One file per env and use case. Processes may share a folder: a file is written beside its place and moved there, so
 * that a reader, and the next process after a power cut, finds an old one or a new one.
 */
export function createStateFolder(folder: string, env: string): StateStore {
  const place = join(folder, encodeURIComponent(env));
  const fileOf = (useCase: string): string => join(place, `${useCase}.json`);
  return {
    async load(useCase) {
      try {
        const file = fileOf(useCase);
        const { size } = await stat(file);
        if (size > ANSWER_BYTES_MAX) throw new RangeError(`${file} has ${size} bytes`);
        return await readFile(file, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async save(useCase, text) {
      await mkdir(place, { recursive: true });
      const temporary = `${fileOf(useCase)}.${randomUUID()}.tmp`;
      try {
        const file = await open(temporary, "wx", 0o600);
        try {
          await file.writeFile(text);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, fileOf(useCase));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}
