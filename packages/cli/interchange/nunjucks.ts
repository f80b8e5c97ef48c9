/**
 * Our template subset in Nunjucks, promptfoo's language, and back. Both fill `{{variables}}` alike; conditions and
 * loops have other words. Only what one side can say in the other's words is changed; the rest stays, and the check of
 * whoever reads it refuses it.
 */

interface OpenBlock {
  readonly kind: "if" | "unless" | "each";
  /** Name of the item inside a loop. */
  readonly item: string | null;
}

const LOOP_WORDS: Readonly<Record<string, string>> = {
  "@index": "loop.index0",
  "@first": "loop.first",
  "@last": "loop.last",
};

export function toNunjucks(content: string): string {
  const stack: OpenBlock[] = [];
  const nameOf = (path: string): string => {
    const item = stack.findLast((block) => block.kind === "each")?.item ?? null;
    if (item === null) return path;
    if (LOOP_WORDS[path] !== undefined) return LOOP_WORDS[path];
    return path === "this" ? item : `${item}.${path.replace(/^this\./, "")}`;
  };
  return content.replaceAll(/\{\{(#|\/)?([^{}]*)\}\}/g, (whole, mark: string | undefined, body: string) => {
    if (mark === "/") return stack.pop()?.kind === "each" ? "{% endfor %}" : "{% endif %}";
    if (mark === undefined) return body === "else" ? "{% else %}" : `{{${nameOf(body)}}}`;
    const [kind, path = ""] = body.split(" ");
    if (kind !== "if" && kind !== "unless" && kind !== "each") return whole;
    const name = nameOf(path);
    const depth = stack.filter((block) => block.kind === "each").length;
    const item = kind === "each" ? (depth === 0 ? "item" : `item${depth + 1}`) : null;
    stack.push({ kind, item });
    if (kind === "each") return `{% for ${item} in ${name} %}`;
    return kind === "if" ? `{% if ${name} %}` : `{% if not ${name} %}`;
  });
}

const NAME = "[A-Za-z_][\\w.]*";
const TAG = new RegExp(
  `\\{%-?\\s*(?:(for)\\s+(\\w+)\\s+in\\s+(${NAME})|(if)\\s+(not\\s+)?(${NAME})|(else|endif|endfor))\\s*-?%\\}|\\{\\{-?\\s*(${NAME})\\s*-?\\}\\}`,
  "g",
);

export function fromNunjucks(content: string): string {
  const stack: OpenBlock[] = [];
  const pathOf = (name: string): string => {
    const item = stack.findLast((block) => block.kind === "each")?.item ?? null;
    if (item === null) return name;
    const word = Object.entries(LOOP_WORDS).find(([, nunjucks]) => nunjucks === name)?.[0];
    if (word !== undefined) return word;
    return name === item ? "this" : name.startsWith(`${item}.`) ? name.slice(item.length + 1) : name;
  };
  return content.replaceAll(TAG, (...match: (string | undefined)[]) => {
    const [, isFor, item, list, isIf, not, condition, word, variable] = match;
    if (variable !== undefined) return `{{${pathOf(variable)}}}`;
    if (isFor !== undefined) {
      const tag = `{{#each ${pathOf(list!)}}}`;
      stack.push({ kind: "each", item: item! });
      return tag;
    }
    if (isIf !== undefined) {
      const kind = not === undefined ? "if" : "unless";
      stack.push({ kind, item: null });
      return `{{#${kind} ${pathOf(condition!)}}}`;
    }
    return word === "else" ? "{{else}}" : `{{/${stack.pop()?.kind ?? "if"}}}`;
  });
}
