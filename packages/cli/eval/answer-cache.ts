/**
 * What models answered, on disk, so that a run that was stopped goes on where it was and a repeated one costs nothing.
 * One file an answer. It may hold customers' texts: it is readable by its owner only, and git ignores it.
 */
import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@plumbline/runtime/make-folder";
import { contentHash } from "@plumbline/prompts";
import { DAY_MS } from "@plumbline/schemas";
import type { z } from "zod";

/** A file that cannot be read, or is older, counts as absent: models behind a name change. */
const AGE_MS_MAX = DAY_MS;
const FOLDER_BYTES_MAX = 64 * 1024 * 1024;
const FILES_MAX = 50_000;
const FILE_BYTES_MAX = 1024 * 1024;
/** Writes between two looks at the folder's size. */
const WRITES_PER_TRIM = 1_000;

export interface AnswerCache {
  /** Whether the next run finds what is put here. */
  readonly isKept: boolean;
  /** @param key everything that the value depends on; hashed */
  get<Schema extends z.ZodType>(key: unknown, schema: Schema): Promise<z.output<Schema> | null>;
  put(key: unknown, value: unknown): Promise<void>;
}

export const NO_CACHE: AnswerCache = {
  isKept: false,
  get: () => Promise.resolve(null),
  put: () => Promise.resolve(),
};

/** @param now ms since the epoch */
export async function openAnswerCache(folder: string, now: () => number): Promise<AnswerCache> {
  await makeFolder(folder, { mode: 0o700 });
  await writeFile(join(folder, ".gitignore"), "*\n");
  await trim(folder, now());
  let writes = 0;
  const fileOf = (key: unknown): string => join(folder, `${contentHash(key).slice("sha256:".length)}.json`);
  return {
    isKept: true,
    async get(key, schema) {
      const file = fileOf(key);
      try {
        const [text, entry] = await Promise.all([readFile(file, "utf8"), stat(file)]);
        if (now() - entry.mtimeMs > AGE_MS_MAX) return null;
        return schema.safeParse(JSON.parse(text)).data ?? null;
      } catch {
        // Absent or damaged: the answer is asked for again, and written over it.
        return null;
      }
    },
    async put(key, value) {
      const text = JSON.stringify(value);
      if (Buffer.byteLength(text) > FILE_BYTES_MAX) return;
      const draft = join(folder, `${randomUUID()}.tmp`);
      await writeFile(draft, text, { mode: 0o600 });
      // Ages are read from the file's time, so it must be of the same clock.
      await utimes(draft, now() / 1000, now() / 1000);
      await rename(draft, fileOf(key));
      writes += 1;
      if (writes % WRITES_PER_TRIM === 0) await trim(folder, now());
    },
  };
}

/** Removes what is too old, then the oldest until the rest is small enough. */
async function trim(folder: string, now: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /\.(?:json|tmp)$/.test(name));
  const files = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size, mtimeMs }) => ({ name, size, mtimeMs }),
        // Another run removed it.
        () => ({ name, size: 0, mtimeMs: now }),
      ),
    ),
  );
  let bytes = 0;
  const kept = files
    .toSorted((a, b) => b.mtimeMs - a.mtimeMs)
    .filter(({ size, mtimeMs }, i) => {
      bytes += size;
      return now - mtimeMs <= AGE_MS_MAX && bytes <= FOLDER_BYTES_MAX && i < FILES_MAX;
    });
  const keep = new Set(kept.map(({ name }) => name));
  await Promise.all(
    names.filter((name) => !keep.has(name)).map((name) => rm(join(folder, name), { force: true })),
  );
}
