import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ParsedPrompt } from "@plumbline/prompts";
import { PARTIALS, type Project } from "./load-project.ts";

/** The files that a prompt is made of, relative to the project: its own, and every partial that it includes. */
export async function readSources(
  { root, config, files }: Project,
  prompt: ParsedPrompt,
): Promise<readonly string[]> {
  const sources = new Set([prompt.file]);
  // A set that grows while it is walked: partials include partials.
  for (const source of sources) {
    const text = await readFile(join(root, source), "utf8");
    for (const [, name] of text.matchAll(/\{\{\s*>\s*([\w./-]+)\s*\}\}/g)) {
      const path = `${config.folders.prompts}/${PARTIALS}/${name}.prompt`;
      if (files.has(path)) sources.add(path);
    }
  }
  return [...sources];
}
