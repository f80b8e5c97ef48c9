/** Prompt files as git has them, to compare the working tree with. */
import { parsePrompt, type PromptDocument } from "@plumbline/prompts";
import { listFilesAt, readFileAt } from "../git/git.ts";
import { PARTIALS, type Project } from "../project/load-project.ts";

/**
 * @param ref a commit, branch or tag
 * @returns documents by use case; files that could not be parsed are left out. Null outside of git, or when there is no
 *   such commit
 */
export async function readCommittedPrompts(
  { root, config }: Project,
  ref: string,
): Promise<ReadonlyMap<string, PromptDocument> | null> {
  const folder = config.folders.prompts;
  const files = await listFilesAt(root, ref, folder);
  if (files === null) return null;
  const texts = new Map<string, string>();
  for (const file of files) {
    const text = file.endsWith(".prompt") ? await readFileAt(root, ref, file) : null;
    if (text !== null) texts.set(file, text);
  }
  const partials = `${folder}/${PARTIALS}/`;
  const documents = new Map<string, PromptDocument>();
  for (const [file, text] of texts) {
    if (file.startsWith(partials)) continue;
    const parsed = parsePrompt(text, file, (name) => texts.get(`${partials}${name}.prompt`) ?? null);
    if (parsed.kind === "parsed") documents.set(parsed.value.document.use_case, parsed.value.document);
  }
  return documents;
}
