/**
 * Whether a command's output is what a page shows. Line by line, and strict but for this rule:
 *
 * - a number is any number, unless a letter touches it (`v2`, `p95`) or it is an exit code; a hash any hash; `5 s ago` any age
 * - `…` in a line is any text; a line of its own is any lines, or none
 * - the width of gaps and empty lines don't count, and lines of progress (`40%  …`), which a terminal wipes, are left out
 */

/** @returns the first line of `expected` that the output does not have in its place; null when all is there */
export function findMissing(expected: string, output: string): string | null {
  const seen = linesOf(output).filter((line) => !PROGRESS.test(line));
  let at = 0;
  let isGap = false;
  for (const line of linesOf(expected)) {
    if (line === "…") {
      isGap = true;
      continue;
    }
    const pattern = toPattern(line);
    const found = isGap
      ? seen.findIndex((each, index) => index >= at && pattern.test(normalise(each)))
      : at < seen.length && pattern.test(normalise(seen[at]!))
        ? at
        : -1;
    if (found === -1) return line;
    at = found + 1;
    isGap = false;
  }
  return isGap || at === seen.length ? null : `nothing after it, but there is: ${seen[at]}`;
}

const PROGRESS = /^\d+% {2}/;
const EXIT_CODE = /exit code \d+/;

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function normalise(line: string): string {
  if (EXIT_CODE.test(line)) return line;
  return line
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, "<hash>")
    .replaceAll(/\b\d+ (?:s|min|h) ago\b/g, "<ago>")
    .replaceAll(/(?<![\w.])[+−-]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?(?![\w])/g, "<n>")
    .replaceAll(/\s+/g, " ");
}

function toPattern(line: string): RegExp {
  const parts = normalise(line)
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`);
}
