/** What a page asks its reader to run, and what it says will be seen. */

export interface Step {
  /** Line of the page on which the commands begin, from 1. */
  readonly line: number;
  /** The text of one `sh` block. */
  readonly commands: string;
  /** The text of the `text` block between it and the next `sh` block; null when the page shows no output. */
  readonly expected: string | null;
}

/** @throws Error for a `text` block that is the output of nothing, or a second one of the same commands */
export function readSteps(markdown: string): readonly Step[] {
  const steps: { line: number; commands: string; expected: string | null }[] = [];
  for (const { language, line, text } of readBlocks(markdown)) {
    const last = steps.at(-1);
    if (language === "sh") steps.push({ line, commands: text, expected: null });
    if (language !== "text") continue;
    if (last === undefined || last.expected !== null)
      throw new Error(`line ${line}: this output belongs to no commands`);
    last.expected = text;
  }
  return steps;
}

function readBlocks(markdown: string): readonly { language: string; line: number; text: string }[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1]!,
    line: markdown.slice(0, match.index).split("\n").length + 1,
    text: match[2]!,
  }));
}
