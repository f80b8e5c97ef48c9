import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { openAnswerCache } from "./answer-cache.ts";

const Entry = z.object({ text: z.string() });
const HOUR_MS = 3_600_000;

async function open() {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-cache-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  let at = Date.parse("2026-11-25T09:00:00Z");
  const now = (): number => at;
  return { folder, now, later: (ms: number) => (at += ms), cache: await openAnswerCache(folder, now) };
}

const answersIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith(".json"));

test("an answer is found by everything that it depends on, whatever the order of keys", async () => {
  const { cache } = await open();
  await cache.put({ version: "a", repeat: 0 }, { text: "one" });
  expect(await cache.get({ repeat: 0, version: "a" }, Entry)).toEqual({ text: "one" });
  expect(await cache.get({ version: "a", repeat: 1 }, Entry)).toBeNull();
});

test("after a day an answer is no answer, and the next run removes it", async () => {
  const { cache, folder, now, later } = await open();
  await cache.put("old", { text: "one" });
  later(23 * HOUR_MS);
  expect(await cache.get("old", Entry)).toEqual({ text: "one" });
  later(2 * HOUR_MS);
  expect(await cache.get("old", Entry)).toBeNull();
  await openAnswerCache(folder, now);
  expect(await answersIn(folder)).toEqual([]);
});

test("a damaged file is asked for again", async () => {
  const { cache, folder } = await open();
  await cache.put("key", { text: "one" });
  const [name] = await answersIn(folder);
  await writeFile(join(folder, name!), '{"text":');
  expect(await cache.get("key", Entry)).toBeNull();
  await cache.put("key", { text: "two" });
  expect(await cache.get("key", Entry)).toEqual({ text: "two" });
});

test("the folder stays below its limit: the oldest go first", async () => {
  const { cache, folder, now, later } = await open();
  const text = "x".repeat(900_000);
  for (let i = 0; i < 80; i++) {
    later(1_000);
    await cache.put(i, { text });
  }
  await openAnswerCache(folder, now);
  const sizes = await Promise.all((await answersIn(folder)).map((name) => stat(join(folder, name))));
  const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
  expect(bytes).toBeLessThanOrEqual(64 * 1024 * 1024);
  expect(sizes.length).toBeGreaterThan(70);
  expect(await cache.get(0, Entry)).toBeNull();
  expect(await cache.get(79, Entry)).not.toBeNull();
});

test("what is too large for a file is not kept, and git is told to leave the folder alone", async () => {
  const { cache, folder } = await open();
  await cache.put("big", { text: "x".repeat(2_000_000) });
  expect(await answersIn(folder)).toEqual([]);
  expect(await readFile(join(folder, ".gitignore"), "utf8")).toBe("*\n");
});
