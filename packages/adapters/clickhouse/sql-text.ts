/**
 * Reads SQL text as ClickHouse's lexer does, far enough to tell code from quoted text and comments. Needed to
 * split migrations into statements, to bind parameters in-process, and to check read-only statements.
 */

export interface SqlToken {
  readonly kind: "word" | "symbol" | "number" | "string" | "quoted_name" | "comment" | "space";
  /** As written, quotes included. */
  readonly text: string;
}

const WORD = /[A-Za-z_][A-Za-z0-9_$]*/y;
const NUMBER = /[0-9][A-Za-z0-9_]*/y;
const SPACE = /[ \t\r\n\f\v]+/y;
const LINE_COMMENT = /--[^\n]*|#[ !][^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const STRING = /'(?:[^'\\]|\\[\s\S]|'')*'/y;
const QUOTED_NAME = /"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`/y;

const PATTERNS: readonly (readonly [SqlToken["kind"], RegExp])[] = [
  ["space", SPACE],
  ["comment", LINE_COMMENT],
  ["comment", BLOCK_COMMENT],
  ["string", STRING],
  ["quoted_name", QUOTED_NAME],
  ["word", WORD],
  ["number", NUMBER],
];

/** Splits `sql` without loss: the texts of the tokens joined give `sql` again. */
export function tokenize(sql: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    const token = tokenAt(sql, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function tokenAt(sql: string, at: number): SqlToken {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match !== null) return { kind, text: match[0] };
  }
  return { kind: "symbol", text: sql[at]! };
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

export type QueryParameter = string | number | boolean | readonly (string | number)[];
export type QueryParameters = Readonly<Record<string, QueryParameter>>;

/**
 * Replaces `{name:Type}` by a typed constant, `_CAST('…', 'Type')`, which is what the server's own binder does.
 *
 * The in-process engine's binder keeps parameters in one place per process, so its driver lets only one
 * parameterised query run at a time over all connections: one slow question would hold up every other.
 *
 * @throws RangeError when a placeholder has no value, or a name isn't a plain identifier
 */
export function bindParameters(sql: string, parameters: QueryParameters): string {
  const tokens = tokenize(sql);
  let bound = "";
  for (let i = 0; i < tokens.length; i++) {
    const placeholder = placeholderAt(tokens, i);
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
  const last = tokens.findIndex(
    (token, index) => index > colon && token.kind === "symbol" && token.text === "}",
  );
  if (last === -1) return null;
  const type = tokens
    .slice(colon + 1, last)
    .map((token) => token.text)
    .join("")
    .trim();
  return { name: tokens[name].text, type, last };
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
