import { diffPrompts } from "@plumbline/prompts";
import type { VersionState } from "@plumbline/registry-fold/state";
import { CHANGED_LINE_LENGTH_MAX, CHANGED_LINES_MAX, clip, type PromptChange } from "@plumbline/schemas";

/** promptChange says who changed what from one version to the next; null where the registry lacks one, or they are the same. */
export function promptChange(
  before: VersionState | undefined,
  after: VersionState | undefined,
): PromptChange | null {
  if (before === undefined || after === undefined || before.prompt_version === after.prompt_version)
    return null;
  const diff = diffPrompts(before.document, after.document);
  const lines = diff.messages.flatMap((each) => each.lines).filter(({ text }) => text.trim() !== "");
  return {
    author: after.author,
    commit: after.commit,
    is_same: diff.is_same,
    fields: diff.fields.map(({ field }) => field),
    lines_added: diff.lines_added,
    lines_removed: diff.lines_removed,
    lines: lines
      .slice(0, CHANGED_LINES_MAX)
      .map(({ op, text }) => ({ op, text: clip(text, CHANGED_LINE_LENGTH_MAX) })),
  };
}
