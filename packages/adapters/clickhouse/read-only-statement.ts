/**
 * Which statements may run on the read-only endpoint of local mode.
 *
 * The engine's `readonly = 1` is the wall: on such a connection it refuses writes, changes of settings, and every
 * table function that reaches outside. It leaves four doors open that matter in-process, where there is no server
 * to hold the files: the scalar function `file`, names of files in place of tables, `INTO OUTFILE`, and KILL.
 * They are closed here, on tokens. What this lexer might read differently from the engine's is refused, so that
 * nothing hides in the difference.
 */
import { isCode, type SqlToken, tokenize } from "./sql-text.ts";

const FIRST_WORDS = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"]);

/** Words that name a door, whether or not they are quoted, wherever they stand outside of strings. */
const FORBIDDEN_WORDS: Readonly<Record<string, string>> = {
  file: "the function file reads files of this machine",
  outfile: "INTO OUTFILE writes files on this machine",
  infile: "FROM INFILE reads files of this machine",
  default: "the database default opens files of this machine as tables",
  filesystem: "filesystem reads files of this machine",
  merge: "merge reads tables by pattern, in databases that are not public",
  loop: "loop never ends",
};

/** @returns why `sql` is refused, or null when it may run */
export function refuseUnlessReadOnly(sql: string): string | null {
  const tokens = tokenize(sql).filter(isCode);
  const end = tokens.at(-1)?.text === ";" ? tokens.length - 1 : tokens.length;
  const statement = tokens.slice(0, end);

  const first = statement.find((token) => token.text !== "(");
  if (first === undefined) return "there is no statement";
  if (first.kind !== "word" || !FIRST_WORDS.has(first.text.toUpperCase())) {
    return `this endpoint is read-only: a statement begins with ${[...FIRST_WORDS].join(", ")}`;
  }
  for (let i = 0; i < statement.length; i++) {
    const reason = refuseToken(statement[i]!, statement[i - 1]);
    if (reason !== null) return reason;
  }
  return null;
}

function refuseToken(token: SqlToken, previous: SqlToken | undefined): string | null {
  if (token.kind === "symbol") {
    if (token.text === ";") return "one statement at a time";
    if (!/^[\x21-\x7e]$/.test(token.text)) return "characters outside ASCII must stand in quotes";
    // Quotes left over are unclosed; $ begins a heredoc, # a comment in some places.
    if ("'\"`$#\\".includes(token.text)) return `unexpected ${token.text}`;
    return null;
  }
  // x'…' and b'…' have other rules of escaping than strings.
  if (token.kind === "string" && previous?.kind === "word" && /^[xb]$/i.test(previous.text)) {
    return "binary literals are not allowed here";
  }
  if (token.kind === "quoted_name") {
    const name = token.text.slice(1, -1);
    if (!/^[\w .:-]*$/.test(name)) return `the name ${token.text} has characters that are not allowed here`;
    return FORBIDDEN_WORDS[name.toLowerCase()] ?? null;
  }
  if (token.kind !== "word") return null;
  const word = token.text.toLowerCase();
  // The engine refuses to change settings of the statement, and lets a subquery change its own.
  if (word === "settings" && previous?.text !== ".") return "settings can't be changed here";
  return FORBIDDEN_WORDS[word] ?? null;
}
