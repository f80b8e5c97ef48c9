/**
 * Decides which statements may run on the read-only endpoint of local mode.
 *
 * The engine's `readonly = 1` is the wall: on such a connection it refuses writes, changes of settings, and every
 * table function that reaches outside. It leaves four doors open that matter in-process, where there is no server
 * to hold the files: the scalar function `file`, names of files in place of tables, `INTO OUTFILE`, and KILL.
 * They are closed here, on tokens. What this lexer might read differently from the engine's is refused, so that
 * nothing hides in the difference.
 */
import { isCode, type SqlToken, tokenize } from "./sql-text.ts";

const FIRST_WORDS = new Set(["SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"]);

/**
 * Words that name a door, whether or not they are quoted, wherever they stand outside of strings: functions can be
 * passed by name, as in `arrayMap(file, …)`.
 */
const FORBIDDEN_WORDS: Readonly<Record<string, string>> = {
  file: "the function file reads files of this machine",
  catboostevaluate: "catboostEvaluate reads files of this machine",
  hascolumnintable: "hasColumnInTable connects to other machines",
  outfile: "INTO OUTFILE writes files on this machine",
  infile: "FROM INFILE reads files of this machine",
  default: "the database default opens files of this machine as tables",
};

/** Table functions that make rows out of nothing or of their own arguments. Every other one is refused. */
const HARMLESS_TABLE_FUNCTIONS = new Set(
  "format generate_series generaterandom generateseries null numbers numbers_mt one primes values view".split(
    " ",
  ),
);

/**
 * @param tableFunctions names of all that the engine knows, in lower case
 * @returns why `sql` is refused, or null when it may run
 */
export function refuseUnlessReadOnly(sql: string, tableFunctions: ReadonlySet<string>): string | null {
  const tokens = tokenize(sql).filter(isCode);
  const end = tokens.at(-1)?.text === ";" ? tokens.length - 1 : tokens.length;
  const statement = tokens.slice(0, end);

  const first = statement.find((token) => token.text !== "(");
  if (first === undefined) return "there is no statement";
  if (first.kind !== "word" || !FIRST_WORDS.has(first.text.toUpperCase())) {
    return `this endpoint is read-only: a statement begins with ${[...FIRST_WORDS].join(", ")}`;
  }
  for (let i = 0; i < statement.length; i++) {
    const token = statement[i]!;
    const reason =
      refuseToken(token, statement[i - 1]) ?? refuseCall(token, statement[i + 1], tableFunctions);
    if (reason !== null) return reason;
  }
  return null;
}

/** One of them is `eval`, which would run a statement out of a string, past every check here. */
function refuseCall(
  token: SqlToken,
  next: SqlToken | undefined,
  tableFunctions: ReadonlySet<string>,
): string | null {
  if (next?.text !== "(" || (token.kind !== "word" && token.kind !== "quoted_name")) return null;
  const name = (token.kind === "word" ? token.text : token.text.slice(1, -1)).toLowerCase();
  if (!tableFunctions.has(name) || HARMLESS_TABLE_FUNCTIONS.has(name)) return null;
  return `the table function ${name} is not allowed here`;
}

function refuseToken(token: SqlToken, previous: SqlToken | undefined): string | null {
  if (token.kind === "unclosed") return `unexpected ${token.text[0]}: nothing closes it`;
  if (token.kind === "symbol") {
    if (token.text === ";") return "one statement at a time";
    if (!/^[\x21-\x7e]$/.test(token.text)) return "characters outside ASCII must stand in quotes";
    // $ begins a heredoc, # a comment in some places.
    if ("$#\\".includes(token.text)) return `unexpected ${token.text}`;
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
