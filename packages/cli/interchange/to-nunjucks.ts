/** Our template subset in Nunjucks, promptfoo's language. Both fill `{{variables}}` alike; conditions and loops have other words. */

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

export const LOOP_WORDS: Readonly<Record<string, string>> = {
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
