/**
 * The template subset: `{{variable}}`, `{{#if}}`, `{{#unless}}`, `{{#each}}`, `{{else}}`. Templates were checked when
 * they were pushed; this only has to mean the same as the check did, and a property test proves that it does.
 */
type Block = "if" | "unless" | "each";

type Token =
  | { readonly kind: "text"; text: string }
  | { readonly kind: "variable"; readonly path: string }
  | { readonly kind: "open"; readonly block: Block; readonly path: string }
  | { readonly kind: "else" }
  | { readonly kind: "close"; readonly block: Block }
  /** Writes nothing; `isMessage`: only between messages, so not in a block. */
  | { readonly kind: "nothing"; readonly isMessage: boolean };

interface BlockNode<Nodes> {
  readonly kind: "block";
  readonly block: Block;
  readonly path: string;
  readonly matched: Nodes;
  readonly otherwise: Nodes;
}

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly path: string }
  | BlockNode<readonly TemplateNode[]>;

const TOKENS_MAX = 20_000;
const DEPTH_MAX = 20;
const ITEMS_MAX = 10_000;
/** Longest rendered message, UTF-16 units; far above every context window. */
const RENDERED_CHARS_MAX = 20_000_000;

const PATH = /^(?:@index|@first|@last|(?:this|[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*)$/;
const RESERVED = /^(?:role|history|else|if|unless|each|media|section)$/;

/** @throws SyntaxError for what is outside the subset: it did not come through a push */
export function parseTemplate(content: string): readonly TemplateNode[] {
  const root: TemplateNode[] = [];
  const stack: { readonly node: BlockNode<TemplateNode[]>; isElse: boolean }[] = [];
  for (const token of withoutStandaloneLines(tokenize(content))) {
    const top = stack.at(-1);
    const here = top === undefined ? root : top.isElse ? top.node.otherwise : top.node.matched;
    if (token.kind === "text" || token.kind === "variable") {
      here.push(token);
    } else if (token.kind === "open") {
      if (stack.length >= DEPTH_MAX) refuse(token);
      const { block, path } = token;
      const node = { kind: "block" as const, block, path, matched: [], otherwise: [] };
      here.push(node);
      stack.push({ node, isElse: false });
    } else if (token.kind === "else") {
      if (top === undefined || top.isElse) refuse(token);
      top.isElse = true;
    } else if (token.kind === "close") {
      if (stack.pop()?.node.block !== token.block) refuse(token);
    } else if (token.isMessage && top !== undefined) {
      refuse(token);
    }
  }
  if (stack.length > 0) refuse(stack.at(-1)!.node);
  return root;
}

function tokenize(content: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < content.length;) {
    if (tokens.length >= TOKENS_MAX) refuse("more tags");
    const start = content.indexOf("{{", at);
    const text = content.slice(at, start === -1 ? undefined : start);
    if (text !== "") tokens.push({ kind: "text", text });
    if (start === -1) break;
    const endMark = content.startsWith("{{!--", start) ? "--}}" : "}}";
    const end = content.indexOf(endMark, start + 2);
    if (end === -1) refuse(content.slice(start));
    const inside = content.slice(start + 2, end + endMark.length - 2);
    const isRefused = text.endsWith("\\") || (content[end + 2] === "}" && !inside.startsWith("!"));
    tokens.push(isRefused ? refuse(inside) : readTag(inside));
    at = end + endMark.length;
  }
  return tokens;
}

function readTag(inside: string): Token {
  if (inside.startsWith("!")) return { kind: "nothing", isMessage: false };
  const body = inside.trim();
  if (body === "else" || body === "^") return { kind: "else" };
  if (/^(?:history(?:\(\))?|role\s+(?:"[a-z]+"|'[a-z]+'))$/.test(body)) {
    return { kind: "nothing", isMessage: true };
  }
  const [, close] = /^\/\s*(if|unless|each)$/.exec(body) ?? [];
  if (close !== undefined) return { kind: "close", block: close as Block };
  const [, block, path = ""] = /^#\s*(if|unless|each)\s+(\S+)$/.exec(body) ?? [];
  if (block !== undefined && PATH.test(path)) return { kind: "open", block: block as Block, path };
  return PATH.test(body) && !RESERVED.test(body) ? { kind: "variable", path: body } : refuse(inside);
}

/** Nobody edits here: an author is told what to write instead at the push. */
function refuse(what: unknown): never {
  throw new SyntaxError(`not of the subset: ${JSON.stringify(what)}`);
}

/** Takes away the line of a block's tag that stands alone on it, as Handlebars does. */
function withoutStandaloneLines(tokens: readonly Token[]): readonly Token[] {
  const texts = tokens.map((token) => (token.kind === "text" ? token.text : null));
  const original = [...texts];
  const last = tokens.length - 1;
  for (const [i, { kind }] of tokens.entries()) {
    if (kind !== "open" && kind !== "else" && kind !== "close") continue;
    const before = i === 0 ? "" : original[i - 1];
    const after = i === last ? "" : original[i + 1];
    if (typeof before !== "string" || typeof after !== "string") continue;
    const opens = i <= 1 ? /(?:^|\n)[ \t]*$/.test(before) : /\n[ \t]*$/.test(before);
    const closes = i >= last - 1 ? /^[ \t]*(?:\n|$)/.test(after) : /^[ \t]*\n/.test(after);
    if (!opens || !closes) continue;
    if (i > 0) texts[i - 1] = texts[i - 1]!.replace(/[ \t]*$/, "");
    if (i < last) texts[i + 1] = texts[i + 1]!.replace(/^[ \t]*\n?/, "");
  }
  return tokens.map((token, i) => (token.kind === "text" ? { kind: "text", text: texts[i]! } : token));
}

interface Scope {
  readonly item: unknown;
  readonly loop: { readonly index: number; readonly length: number } | null;
}

/**
 * Fills a tree. Nothing is escaped, and no value runs as a template. A variable that is shown must be there: an empty
 * hole in a prompt is an incident that nobody sees.
 *
 * @param problems receives what is wrong with the values; the text is then of no use
 */
export function renderNodes(
  nodes: readonly TemplateNode[],
  vars: Readonly<Record<string, unknown>>,
  problems: Set<string>,
): string {
  const parts: string[] = [];
  let chars = 0;
  const write = (text: string): void => {
    chars += text.length;
    if (chars <= RENDERED_CHARS_MAX) parts.push(text);
    else problems.add(`a message is longer than ${RENDERED_CHARS_MAX} characters`);
  };
  const walk = (each: readonly TemplateNode[], scope: Scope): void => {
    for (const node of each) {
      if (chars > RENDERED_CHARS_MAX) return;
      if (node.kind === "text") {
        write(node.text);
        continue;
      }
      const { path } = node;
      const value = look(scope, path);
      const isTruthy = Array.isArray(value) ? value.length > 0 : Boolean(value);
      if (node.kind === "variable") {
        const problem = whyNotShown(path, value);
        if (problem === null) write(String(value));
        else problems.add(problem);
      } else if (node.block !== "each") {
        walk(isTruthy === (node.block === "if") ? node.matched : node.otherwise, scope);
      } else if (!isTruthy) {
        walk(node.otherwise, scope);
      } else if (!Array.isArray(value)) {
        problems.add(`${path} is not a list; pass an array to {{#each ${path}}}`);
      } else if (value.length > ITEMS_MAX) {
        problems.add(`${path} has ${value.length} items; pass at most ${ITEMS_MAX}`);
      } else {
        const { length } = value;
        for (const [index, item] of value.entries()) walk(node.matched, { item, loop: { index, length } });
      }
    }
  };
  walk(nodes, { item: vars, loop: null });
  return parts.join("");
}

function look({ item, loop }: Scope, path: string): unknown {
  if (path.startsWith("@")) {
    if (loop === null) return undefined;
    if (path === "@index") return loop.index;
    return path === "@first" ? loop.index === 0 : loop.index === loop.length - 1;
  }
  let value = item;
  for (const name of path.split(".")) {
    if (name === "this") continue;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

function whyNotShown(path: string, value: unknown): string | null {
  if (["string", "number", "boolean", "bigint"].includes(typeof value)) return null;
  if (value === undefined || value === null) {
    return `variable ${path} is missing; pass it, or guard it with {{#if ${path}}}`;
  }
  return Array.isArray(value)
    ? `variable ${path} is a list; write {{#each ${path}}}`
    : `variable ${path} is an object; write {{${path}.name}}`;
}
