import { type TemplateProblem, type TemplateToken, tokenize } from "./template-token.ts";

/** Reads the text of a partial by name; null when there is none. */
export type ReadPartial = (name: string) => string | null;

const DEPTH_MAX = 8;
const TOKENS_MAX = 50_000;

/**
 * Puts partials in the place of their tags, to any depth up to 8, edges trimmed: a version is whole in itself, and
 * a changed partial makes a new version of every prompt that uses it. A partial sees the prompt's variables.
 */
export function inlinePartials(
  tokens: readonly TemplateToken[],
  readPartial: ReadPartial,
): { readonly tokens: readonly TemplateToken[]; readonly problems: readonly TemplateProblem[] } {
  const problems: TemplateProblem[] = [];
  const inlined: TemplateToken[] = [];
  const walk = (each: readonly TemplateToken[], within: readonly string[]): void => {
    for (const token of each) {
      if (inlined.length > TOKENS_MAX) return;
      if (token.kind !== "partial") {
        inlined.push(token);
        continue;
      }
      const { file, line, name } = token;
      if (within.includes(name)) {
        problems.push({
          file,
          line,
          message: `partial ${name} includes itself: ${[...within, name].join(" > ")}`,
          fix: "Break the circle",
        });
        continue;
      }
      if (within.length >= DEPTH_MAX) {
        problems.push({
          file,
          line,
          message: `partials are nested deeper than ${DEPTH_MAX}`,
          fix: "Inline some of them by hand",
        });
        continue;
      }
      const text = readPartial(name);
      if (text === null) {
        problems.push({
          file,
          line,
          message: `there is no partial ${name}`,
          fix: `Create _partials/${name}.prompt, or correct the name`,
        });
        continue;
      }
      const body = normalisedText(text).trim();
      if (/^---[ \t]*\n/.test(body)) {
        problems.push({
          file,
          line,
          message: `partial ${name} has a front matter`,
          fix: "Remove it: a partial is text, the prompt says the rest",
        });
        continue;
      }
      const read = tokenize(body, `_partials/${name}.prompt`);
      problems.push(...read.problems);
      walk(read.tokens, [...within, name]);
    }
  };
  walk(tokens, []);
  if (inlined.length > TOKENS_MAX) {
    const { file, line } = tokens[0]!;
    problems.push({
      file,
      line,
      message: `has more than ${TOKENS_MAX} tags with its partials`,
      fix: "Use fewer partials",
    });
  }
  return { tokens: inlined, problems };
}

/** LF line ends and no byte-order mark: what an editor or git changes is not part of a prompt. */
export function normalisedText(text: string): string {
  return text.replace(/^\uFEFF/, "").replaceAll(/\r\n?/g, "\n");
}
