/**
 * Where JSON text stops being JSON. `JSON.parse` knows, but its messages quote the text around the error or leave
 * the position out, depending on the engine.
 */

export interface JsonError {
  /** Characters before the error, from 0. */
  readonly position: number;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** In words, without any of the text. */
  readonly expected: string;
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The first error, or null when `text` is JSON. Takes time linear in the text, and no stack: depth is harmless. */
export function findJsonError(text: string): JsonError | null {
  const open: ("[" | "{")[] = [];
  let at = 0;
  /** What the grammar allows next. */
  let next: "value" | "value or ]" | "key" | "key or }" | "comma" = "value";

  for (;;) {
    at = matchEnd(SPACE, text, at) ?? at;
    if (next === "comma" && open.length === 0) return at === text.length ? null : fail("the end of the text");
    const character = text[at];
    if (next === "comma") {
      const close = open.at(-1) === "[" ? "]" : "}";
      if (character === close) open.pop();
      else if (character === ",") next = open.at(-1) === "[" ? "value" : "key";
      else return fail(`a comma or ${close}`);
      at++;
      continue;
    }
    if ((next === "value or ]" && character === "]") || (next === "key or }" && character === "}")) {
      open.pop();
      next = "comma";
      at++;
      continue;
    }
    if (next === "key" || next === "key or }") {
      if (character !== '"') return fail("a name in double quotes");
      const end = stringEnd(text, at);
      if (end.error) return fail("a closed string without control characters", end.at);
      at = matchEnd(SPACE, text, end.at) ?? end.at;
      if (text[at] !== ":") return fail("a colon");
      at++;
      next = "value";
      continue;
    }
    if (character === "[" || character === "{") {
      open.push(character);
      next = character === "[" ? "value or ]" : "key or }";
      at++;
      continue;
    }
    if (character === '"') {
      const end = stringEnd(text, at);
      if (end.error) return fail("a closed string without control characters", end.at);
      at = end.at;
    } else {
      const end = matchEnd(SCALAR, text, at);
      if (end === null) return fail("a value");
      at = end;
    }
    next = "comma";
  }

  function fail(expected: string, position = at): JsonError {
    const before = text.slice(0, position);
    const line = before.split("\n").length;
    return { position, line, column: position - before.lastIndexOf("\n"), expected };
  }
}

function matchEnd(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function stringEnd(text: string, start: number): { at: number; error: boolean } {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return { at: at + 1, error: false };
    if (character < " ") return { at, error: true };
    if (character !== "\\") continue;
    const escaped = text[++at];
    if (escaped === "u" && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) at += 4;
    else if (escaped === undefined || !'"\\/bfnrt'.includes(escaped)) return { at, error: true };
  }
  return { at: text.length, error: true };
}
