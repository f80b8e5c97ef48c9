/**
 * Reads SQL text as ClickHouse's lexer does, far enough to tell code from quoted text and comments. Needed to
 * split migrations into statements, to bind parameters in-process, and to check read-only statements. Every function
 * here takes time linear in the text: what it reads comes from outside.
 */

export interface SqlToken {
  /** `unclosed`: a quote or comment that nothing ends, with all that follows it. */
  readonly kind: "word" | "symbol" | "number" | "string" | "quoted_name" | "comment" | "space" | "unclosed";
  /** As written, quotes included. */
  readonly text: string;
}

const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y;
const NUMBER = /[0-9][A-Za-z0-9_]*/y;
const SPACE = /[ \t\r\n\f\v]+/y;
const LINE_COMMENT = /--[^\n]*|#[ !][^\n]*/y;

const PATTERNS: readonly (readonly [SqlToken["kind"], RegExp])[] = [
  ["space", SPACE],
  ["comment", LINE_COMMENT],
  ["word", WORD],
  ["number", NUMBER],
];

/** Splits `sql` without loss: the texts of the tokens joined give `sql` again. */
export function tokenize(sql: string): readonly SqlToken[] {
  return [...tokensOf(sql)];
}

/** The tokens of `sql` one by one, for a reader that may stop. */
function* tokensOf(sql: string): Generator<SqlToken> {
  let at = 0;
  while (at < sql.length) {
    const token = tokenAt(sql, at);
    yield token;
    at += token.text.length;
  }
}

function tokenAt(sql: string, at: number): SqlToken {
  const character = sql[at]!;
  if (character === "'" || character === '"' || character === "`") {
    const kind = character === "'" ? "string" : "quoted_name";
    return upTo(kind, sql, at, quoteEnd(sql, at));
  }
  if (character === "/" && sql[at + 1] === "*") {
    const end = sql.indexOf("*/", at + 2);
    return upTo("comment", sql, at, end === -1 ? null : end + 2);
  }
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    if (pattern.test(sql)) return { kind, text: sql.slice(at, pattern.lastIndex) };
  }
  return { kind: "symbol", text: character };
}

function upTo(kind: SqlToken["kind"], sql: string, at: number, end: number | null): SqlToken {
  return end === null ? { kind: "unclosed", text: sql.slice(at) } : { kind, text: sql.slice(at, end) };
}

/** Position behind the quote that closes the one at `start`; null when none does. */
function quoteEnd(sql: string, start: number): number | null {
  const quote = sql[start];
  for (let at = start + 1; at < sql.length; at++) {
    if (sql[at] === "\\") at += 1;
    else if (sql[at] === quote) {
      // Doubled, it stands for itself.
      if (sql[at + 1] !== quote) return at + 1;
      at += 1;
    }
  }
  return null;
}

/** Statements of a file, without comments around them and without the closing semicolon. */
export function splitStatements(sql: string): readonly string[] {
  const statements: string[] = [];
  let current: SqlToken[] = [];
  const finish = (): void => {
    if (current.some(isCode))
      statements.push(
        current
          .map((token) => token.text)
          .join("")
          .trim(),
      );
    current = [];
  };
  for (const token of tokenize(sql)) {
    if (token.kind === "symbol" && token.text === ";") finish();
    else current.push(token);
  }
  finish();
  return statements;
}

/** Neither space nor comment: something that the engine acts on. */
export function isCode(token: SqlToken): boolean {
  return token.kind !== "space" && token.kind !== "comment";
}

type QueryParameter = string | number | boolean | readonly (string | number)[];
export type QueryParameters = Readonly<Record<string, QueryParameter>>;

/** Longest statement, before and after its parameters stand in it. */
export interface StatementLimits {
  readonly charsMax?: number;
  /** Words, symbols, numbers, names and strings before that. */
  readonly wordsMax?: number;
}

/**
 * Replaces `{name:Type}` by a typed constant, `_CAST('…', 'Type')`, which is what the server's own binder does.
 *
 * The in-process engine's binder keeps parameters in one place per process, so its driver lets only one
 * parameterised query run at a time over all connections: one slow question would hold up every other.
 *
 * @param limits of characters hold for the result too: a long value in many places is much longer than both
 * @throws RangeError when a placeholder has no value, a name isn't a plain identifier, or the statement is too long
 */
export function bindParameters(
  sql: string,
  parameters: QueryParameters,
  { charsMax = Number.POSITIVE_INFINITY, wordsMax = Number.POSITIVE_INFINITY }: StatementLimits = {},
): string {
  if (sql.length > charsMax) throw new RangeError(`a statement has at most ${charsMax} characters`);
  const tokens: SqlToken[] = [];
  let words = 0;
  for (const token of tokensOf(sql)) {
    tokens.push(token);
    if (isCode(token)) words += 1;
    if (words > wordsMax) throw new RangeError(`a statement has at most ${wordsMax} words and symbols`);
  }
  const closes = nextCloses(tokens);
  let bound = "";
  for (let i = 0; i < tokens.length; i++) {
    if (bound.length > charsMax) throw new RangeError(`a statement has at most ${charsMax} characters`);
    const placeholder = placeholderAt(tokens, i, closes);
    if (placeholder === null) {
      bound += tokens[i]!.text;
      continue;
    }
    const value = Object.hasOwn(parameters, placeholder.name) ? parameters[placeholder.name] : undefined;
    if (value === undefined) throw new RangeError(`query parameter ${placeholder.name} has no value`);
    bound += placeholder.type === "Identifier" ? quoteName(value) : quoteValue(value, placeholder.type);
    i = placeholder.last;
  }
  return bound;
}

/** `{ name : Type }` at token `first`, where it is one. Map and array literals have no name before a colon. */
function placeholderAt(
  tokens: readonly SqlToken[],
  first: number,
  closes: Int32Array,
): { readonly name: string; readonly type: string; readonly last: number } | null {
  if (tokens[first]!.text !== "{") return null;
  const codeFrom = (index: number): number => {
    let at = index;
    while (at < tokens.length && !isCode(tokens[at]!)) at += 1;
    return at;
  };
  const name = codeFrom(first + 1);
  const colon = codeFrom(name + 1);
  if (tokens[name]?.kind !== "word" || tokens[colon]?.text !== ":") return null;
  const last = closes[colon]!;
  if (last === -1) return null;
  const type = tokens
    .slice(colon + 1, last)
    .map((token) => token.text)
    .join("")
    .trim();
  return { name: tokens[name].text, type, last };
}

/** The next closing brace at or behind each token; -1 where none follows. */
function nextCloses(tokens: readonly SqlToken[]): Int32Array {
  const closes = new Int32Array(tokens.length);
  let next = -1;
  for (let i = tokens.length - 1; i >= 0; i--) {
    if (tokens[i]!.text === "}") next = i;
    closes[i] = next;
  }
  return closes;
}

function quoteName(value: QueryParameter): string {
  if (typeof value !== "string" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
    throw new RangeError("an Identifier parameter must be a plain name");
  }
  return `\`${value}\``;
}

function quoteValue(value: QueryParameter, type: string): string {
  return `_CAST(${quoteString(textOf(value))}, ${quoteString(type)})`;
}

function textOf(value: QueryParameter): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return `[${value.map((each) => (typeof each === "string" ? quoteString(each) : String(each))).join(",")}]`;
}

/** A string literal. NUL ends C strings on the way to the in-process engine, hence its escape. */
export function quoteString(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\0", "\\0")}'`;
}

/** Appends a SETTINGS clause: settings of one statement, gone when it ends, on every transport. */
export function withSettings(sql: string, settings: Readonly<Record<string, string | number>>): string {
  const clauses = Object.entries(settings).map(
    ([name, value]) => `${name} = ${typeof value === "number" ? value : quoteString(value)}`,
  );
  return clauses.length === 0 ? sql : `${sql.trimEnd()}\nSETTINGS ${clauses.join(", ")}`;
}
