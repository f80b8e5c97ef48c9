/**
 * The words of a template: text and tags. A tag is what stands between `{{` and `}}`; everything outside the subset is
 * refused here, with what to write instead, so that a template means the same in every Handlebars.
 */

export type TemplateToken = { readonly file: string; readonly line: number } & (
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "comment" }
  | { readonly kind: "variable"; readonly path: string }
  | { readonly kind: "open"; readonly block: BlockKind; readonly path: string }
  | { readonly kind: "else" }
  | { readonly kind: "close"; readonly block: BlockKind }
  | { readonly kind: "role"; readonly role: string }
  | { readonly kind: "history" }
  | { readonly kind: "partial"; readonly name: string }
);
export type BlockKind = "if" | "unless" | "each";

export interface TemplateProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly fix: string;
}

const TOKENS_MAX = 20_000;
const PATH = /^(?:this|[A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const LOOP_NAMES: ReadonlySet<string> = new Set(["@index", "@first", "@last"]);
const BLOCKS: ReadonlySet<string> = new Set<BlockKind>(["if", "unless", "each"]);
const RESERVED: ReadonlySet<string> = new Set([
  "role",
  "history",
  "else",
  "if",
  "unless",
  "each",
  "media",
  "section",
]);
const SUBSET =
  'Use {{variable}}, {{#if x}}, {{#unless x}}, {{#each x}}, {{else}}, {{role "system"}}, {{history}} or {{>partial}}';

/** @param firstLine line of the file that the text starts on, from 1 */
export function tokenize(
  text: string,
  file: string,
  firstLine = 1,
): { readonly tokens: readonly TemplateToken[]; readonly problems: readonly TemplateProblem[] } {
  const tokens: TemplateToken[] = [];
  const problems: TemplateProblem[] = [];
  let at = 0;
  let line = firstLine;
  while (at < text.length) {
    if (tokens.length >= TOKENS_MAX) {
      problems.push({
        file,
        line,
        message: `has more than ${TOKENS_MAX} tags`,
        fix: "Build long lists in the application and pass them as one variable",
      });
      break;
    }
    const start = text.indexOf("{{", at);
    const plain = start === -1 ? text.slice(at) : text.slice(at, start);
    if (plain !== "") tokens.push({ kind: "text", text: plain, file, line });
    line += newlines(plain);
    if (start === -1) break;

    const isLongComment = text.startsWith("{{!--", start);
    const endMark = isLongComment ? "--}}" : "}}";
    const end = text.indexOf(endMark, start + 2);
    if (end === -1) {
      problems.push({
        file,
        line,
        message: "a {{ is never closed",
        fix: "Close it with }}, or write { { for two plain braces",
      });
      break;
    }
    const source = text.slice(start, end + endMark.length);
    const read = plain.endsWith("\\")
      ? refuse("a backslash before {{ is not supported", "Write { { for two plain braces")
      : readTag(source.slice(2, -2), text[end + 2] === "}");
    if ("kind" in read) tokens.push({ ...read, file, line });
    else problems.push({ file, line, ...read });
    line += newlines(source);
    at = end + endMark.length;
  }
  return { tokens, problems };
}

/** One spelling per tag, so that `{{ ticket }}` and `{{ticket}}` are the same prompt. */
export function tagText(token: TemplateToken): string {
  switch (token.kind) {
    case "text":
      return token.text;
    case "comment":
      return "";
    case "variable":
      return `{{${token.path}}}`;
    case "open":
      return `{{#${token.block} ${token.path}}}`;
    case "else":
      return "{{else}}";
    case "close":
      return `{{/${token.block}}}`;
    case "role":
      return `{{role "${token.role}"}}`;
    case "history":
      return "{{history}}";
    case "partial":
      return `{{>${token.name}}}`;
  }
}

/**
 * Takes away the line of a tag that stands alone on it, as Handlebars does, so that blocks may be written on lines of
 * their own without leaving empty ones behind.
 */
export function withoutStandaloneLines(
  tokens: readonly TemplateToken[],
  isLineTag: (token: TemplateToken) => boolean,
): readonly TemplateToken[] {
  const texts = tokens.map((token) => (token.kind === "text" ? token.text : null));
  const original = [...texts];
  for (const [i, token] of tokens.entries()) {
    if (!isLineTag(token)) continue;
    const before = i === 0 ? "" : original[i - 1];
    const after = i === tokens.length - 1 ? "" : original[i + 1];
    if (before === null || before === undefined || after === null || after === undefined) continue;
    const opens = i <= 1 ? /(?:^|\n)[ \t]*$/.test(before) : /\n[ \t]*$/.test(before);
    const closes = i >= tokens.length - 2 ? /^[ \t]*(?:\n|$)/.test(after) : /^[ \t]*\n/.test(after);
    if (!opens || !closes) continue;
    if (i > 0) texts[i - 1] = texts[i - 1]!.replace(/[ \t]*$/, "");
    if (i < tokens.length - 1) texts[i + 1] = texts[i + 1]!.replace(/^[ \t]*\n?/, "");
  }
  return tokens.map((token, i) => (token.kind === "text" ? { ...token, text: texts[i]! } : token));
}

type Tag<Token> = Token extends unknown ? Omit<Token, "file" | "line"> : never;
type Refusal = Pick<TemplateProblem, "message" | "fix">;

function readTag(inside: string, isTriple: boolean): Tag<TemplateToken> | Refusal {
  if (inside.startsWith("!")) return { kind: "comment" };
  if (inside.startsWith("&") || (inside.startsWith("{") && isTriple)) {
    return refuse(
      "a triple brace is not needed",
      "Write {{variable}}: nothing is escaped, prompts are not HTML",
    );
  }
  if (inside.startsWith("{")) {
    return refuse(
      "a third brace stands before a tag",
      `Remove it, or put a blank between them: { {{${inside.slice(1).trim()}}}`,
    );
  }
  if (isTriple) {
    return refuse(
      "a third brace follows a tag",
      `Remove it, or put a blank between them: {{${inside.trim()}}} }`,
    );
  }
  if (inside.startsWith("~") || inside.endsWith("~")) {
    return refuse(
      "white-space control with ~ is not supported",
      "Put the tag on a line of its own; that line disappears",
    );
  }
  const body = inside.trim();
  if (body === "else" || body === "^") return { kind: "else" };
  if (body === "history" || body === "history()") return { kind: "history" };
  const role = /^role\s+(?:"([a-z]+)"|'([a-z]+)')$/.exec(body);
  if (role !== null) return { kind: "role", role: role[1] ?? role[2] ?? "" };
  const partial = /^>\s*([A-Za-z0-9_][A-Za-z0-9_.-]*)$/.exec(body);
  if (partial !== null) return { kind: "partial", name: partial[1]! };
  if (body.startsWith(">")) {
    return refuse(
      `{{${body}}} passes arguments to a partial`,
      "Write {{>name}} alone; a partial sees the same variables",
    );
  }
  const close = /^\/\s*([a-z]+)$/.exec(body);
  if (close !== null && BLOCKS.has(close[1]!)) return { kind: "close", block: close[1] as BlockKind };
  const open = /^#\s*([A-Za-z]+)\s+(\S+)$/.exec(body);
  if (open !== null && BLOCKS.has(open[1]!)) {
    return isPath(open[2]!)
      ? { kind: "open", block: open[1] as BlockKind, path: open[2]! }
      : refuse(`${open[2]} is not the name of a variable`, "Name one variable, such as {{#if locale}}");
  }
  if (body.startsWith("#") || body.startsWith("/") || body.startsWith("^")) {
    return refuse(`{{${body}}} is not a block of this subset`, SUBSET);
  }
  if (isPath(body) && !RESERVED.has(body)) return { kind: "variable", path: body };
  if (body.startsWith("../") || body.startsWith("@root")) {
    return refuse(`{{${body}}} reaches out of a loop`, "Put what the loop needs into its items");
  }
  return refuse(`{{${body}}} is not supported`, `${SUBSET}; compute anything else in the application`);
}

function isPath(text: string): boolean {
  return PATH.test(text) || LOOP_NAMES.has(text);
}

function refuse(message: string, fix: string): Refusal {
  return { message, fix };
}

function newlines(text: string): number {
  let count = 0;
  for (let i = text.indexOf("\n"); i !== -1; i = text.indexOf("\n", i + 1)) count++;
  return count;
}
