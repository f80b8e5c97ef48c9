/**
 * Nunjucks, promptfoo's template language, in our subset of Handlebars. What the subset cannot say is named, never passed
 * on: a model would read it as words.
 */
import { LOOP_WORDS } from "./to-nunjucks.ts";

interface Translated {
  readonly text: string;
  /** What cannot be said here, each as one sentence without a full stop; at most ten. Then the text is of no use. */
  readonly problems: readonly string[];
}

const PROBLEMS_MAX = 10;
const TAG_CHARS_SHOWN = 60;
const OPENING = /\{[{%#]/g;
const CLOSING = { "{{": "}}", "{%": "%}", "{#": "#}" } as const;
const END_OF_RAW = /\{%-?\s*end(?:raw|verbatim)\s*(-?)%\}/g;
const PATH = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
const CONDITION = /^(not\s+)?([A-Za-z_][\w.]*)$/;
const LOOP = /^([A-Za-z_]\w*)\s+in\s+([A-Za-z_][\w.]*)$/;
/** Names that mean something else here. */
const RESERVED: ReadonlySet<string> = new Set([
  "role",
  "history",
  "else",
  "if",
  "unless",
  "each",
  "media",
  "section",
  "this",
]);
/** Names that are no variables of a case there. */
const NOT_OF_A_CASE: ReadonlySet<string> = new Set(["env", "_conversation", "true", "false", "none", "null"]);

type OpenBlock =
  /** Kinds of the blocks that end with it: `elif` opens one inside. */
  | { readonly tag: "if"; readonly kinds: ("if" | "unless")[] }
  | { readonly tag: "for"; readonly item: string };

export function fromNunjucks(content: string): Translated {
  const translation = new Translation();
  OPENING.lastIndex = 0;
  let at = 0;
  for (let found = OPENING.exec(content); found !== null; found = OPENING.exec(content)) {
    const opening = found[0] as keyof typeof CLOSING;
    translation.text(content.slice(at, found.index));
    const end = content.indexOf(CLOSING[opening], found.index + 2);
    if (end === -1) {
      translation.refuse(`a ${opening} is never closed`);
      return translation.done();
    }
    const inside = content.slice(found.index + 2, end);
    at = end + 2;
    const tag = translation.tag(opening, inside);
    if (tag === "raw") {
      END_OF_RAW.lastIndex = at;
      const ending = END_OF_RAW.exec(content);
      if (ending === null) {
        translation.refuse("a {% raw %} is never closed");
        return translation.done();
      }
      translation.raw(content.slice(at, ending.index), ending[1] === "-");
      at = ending.index + ending[0].length;
    }
    OPENING.lastIndex = at;
  }
  translation.text(content.slice(at));
  return translation.done();
}

class Translation {
  readonly #parts: string[] = [];
  readonly #problems: string[] = [];
  readonly #open: OpenBlock[] = [];
  /** Items of the open loops, the innermost last. */
  readonly #items: string[] = [];
  #isTrimming = false;

  done(): Translated {
    if (this.#open.length > 0) this.refuse(`{% ${this.#open.at(-1)!.tag} %} has no end`);
    return { text: this.#parts.join(""), problems: [...new Set(this.#problems)].slice(0, PROBLEMS_MAX) };
  }

  refuse(problem: string): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem);
  }

  text(text: string): void {
    this.#parts.push(this.#isTrimming ? text.trimStart() : text);
    this.#isTrimming = false;
  }

  raw(text: string, isTrimming: boolean): void {
    if (text.includes("{{")) this.refuse("{% raw %} holds {{, for which a template here has no words");
    this.text(text);
    this.#isTrimming = isTrimming;
  }

  tag(opening: keyof typeof CLOSING, inside: string): "raw" | null {
    // `{{-` takes the blanks before it away, `-}}` those after it.
    if (inside.startsWith("-")) this.#parts.push((this.#parts.pop() ?? "").trimEnd());
    this.#isTrimming = false;
    const body = inside.replace(/^-/, "").replace(/-$/, "").trim();
    let isRaw = false;
    if (opening === "{{") this.#variable(body);
    else if (opening === "{%") isRaw = this.#statement(body) === "raw";
    this.#isTrimming = inside.length > 1 && inside.endsWith("-");
    return isRaw ? "raw" : null;
  }

  #variable(body: string): void {
    const path = this.#pathOf(body, `{{ ${body} }}`);
    if (path !== null) this.#parts.push(`{{${path}}}`);
  }

  #statement(body: string): "raw" | null {
    const [word = ""] = body.split(/\s/, 1);
    const rest = body.slice(word.length).trim();
    const top = this.#open.at(-1);
    if (word === "raw" || word === "verbatim") return "raw";
    if (word === "if") this.#openIf(rest, []);
    else if ((word === "elif" || word === "elseif") && top?.tag === "if") {
      this.#parts.push("{{else}}");
      this.#openIf(rest, top.kinds);
    } else if (word === "else" && rest === "" && top !== undefined) this.#parts.push("{{else}}");
    else if (word === "for") this.#openFor(rest);
    else if (word === "endif" && top?.tag === "if") this.#close();
    else if (word === "endfor" && top?.tag === "for") this.#close();
    else this.#refuseTag(`{% ${body} %}`);
    return null;
  }

  #openIf(condition: string, kinds: ("if" | "unless")[]): void {
    const [, not, name] = CONDITION.exec(condition) ?? [];
    const kind = not === undefined ? "if" : "unless";
    const path = this.#pathOf(name ?? "", `{% if ${condition} %}`);
    if (kinds.length === 0) this.#open.push({ tag: "if", kinds });
    kinds.push(kind);
    if (path !== null) this.#parts.push(`{{#${kind} ${path}}}`);
  }

  #openFor(loop: string): void {
    const [, item = "", list = ""] = LOOP.exec(loop) ?? [];
    const path = this.#pathOf(list, `{% for ${loop} %}`);
    this.#open.push({ tag: "for", item });
    this.#items.push(item);
    if (path !== null) this.#parts.push(`{{#each ${path}}}`);
  }

  #close(): void {
    const block = this.#open.pop()!;
    if (block.tag === "for") {
      this.#items.pop();
      this.#parts.push("{{/each}}");
    } else this.#parts.push(...block.kinds.toReversed().map((kind) => `{{/${kind}}}`));
  }

  /** The name as it is said here; null when it cannot be, which is then told. */
  #pathOf(name: string, tag: string): string | null {
    const item = this.#items.at(-1);
    const [first = ""] = name.split(".", 1);
    if (!PATH.test(name) || NOT_OF_A_CASE.has(first)) return this.#refuseTag(tag);
    if (item === undefined) {
      if (!RESERVED.has(first)) return name;
      this.refuse(`the variable ${first} has a name that means something else here; rename it`);
      return null;
    }
    const word = Object.entries(LOOP_WORDS).find(([, nunjucks]) => nunjucks === name)?.[0];
    if (word !== undefined) return word;
    if (name === item) return "this";
    if (first === item) return name.slice(item.length + 1);
    if (first === "loop") return this.#refuseTag(tag);
    this.refuse(
      `{% for %} uses ${shortened(name)} from outside of its loop, which a template here cannot see`,
    );
    return null;
  }

  #refuseTag(tag: string): null {
    this.refuse(`${shortened(tag)} is Nunjucks that a template here has no words for`);
    return null;
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > TAG_CHARS_SHOWN ? `${line.slice(0, TAG_CHARS_SHOWN - 1)}…` : line;
}
