/**
 * Our template subset in Nunjucks, promptfoo's language, and back. Both fill `{{variables}}` alike; conditions and
 * loops have other words. Only what one side can say in the other's words is changed; the rest stays, and the check of
 * whoever reads it refuses it.
 */

type BlockKind = "if" | "unless" | "each";

/** Blocks that are open at a place of a template. Every question about them takes the same time, however many there are. */
class OpenBlocks {
  readonly #kinds: BlockKind[] = [];
  /** Names of the items of the open loops. */
  readonly #items: string[] = [];

  /** Name of the innermost loop's item; null outside of loops. */
  get item(): string | null {
    return this.#items.at(-1) ?? null;
  }

  get loops(): number {
    return this.#items.length;
  }

  open(kind: BlockKind, item: string | null): void {
    this.#kinds.push(kind);
    if (item !== null) this.#items.push(item);
  }

  /** @returns the kind of the block that is closed; undefined when none is open */
  close(): BlockKind | undefined {
    const kind = this.#kinds.pop();
    if (kind === "each") this.#items.pop();
    return kind;
  }
}

const LOOP_WORDS: Readonly<Record<string, string>> = {
  "@index": "loop.index0",
  "@first": "loop.first",
  "@last": "loop.last",
};

export function toNunjucks(content: string): string {
  const stack = new OpenBlocks();
  const nameOf = (path: string): string => {
    const { item } = stack;
    if (item === null) return path;
    if (LOOP_WORDS[path] !== undefined) return LOOP_WORDS[path];
    return path === "this" ? item : `${item}.${path.replace(/^this\./, "")}`;
  };
  return content.replaceAll(/\{\{(#|\/)?([^{}]*)\}\}/g, (whole, mark: string | undefined, body: string) => {
    if (mark === "/") return stack.close() === "each" ? "{% endfor %}" : "{% endif %}";
    if (mark === undefined) return body === "else" ? "{% else %}" : `{{${nameOf(body)}}}`;
    const [kind, path = ""] = body.split(" ");
    if (kind !== "if" && kind !== "unless" && kind !== "each") return whole;
    const name = nameOf(path);
    const item = kind === "each" ? (stack.loops === 0 ? "item" : `item${stack.loops + 1}`) : null;
    stack.open(kind, item);
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
  const stack = new OpenBlocks();
  const pathOf = (name: string): string => {
    const { item } = stack;
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
      stack.open("each", item!);
      return tag;
    }
    if (isIf !== undefined) {
      const kind = not === undefined ? "if" : "unless";
      stack.open(kind, null);
      return `{{#${kind} ${pathOf(condition!)}}}`;
    }
    return word === "else" ? "{{else}}" : `{{/${stack.close() ?? "if"}}}`;
  });
}
