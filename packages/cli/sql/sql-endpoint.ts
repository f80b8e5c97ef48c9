/**
 * The store over ClickHouse's HTTP interface, read-only. What a user types travels as a parameter beside the statement
 * and never becomes part of it; the statements are the `.sql` files of this folder.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { whyUnreachable } from "@plumbline/ports";
import { z } from "zod";
import type { CommandIo } from "../shell/command.ts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";

/** Found through the package's root, so that the same code works from source and from `dist`. */
const FOLDER = join(dirname(createRequire(import.meta.url).resolve("@plumbline/cli/package.json")), "sql");
/** Where local mode serves it. */
const SQL_URL_DEFAULT = "http://127.0.0.1:4321";
/** Longest wait for one answer, ms. */
const TIMEOUT_MS = 30_000;
/** A page of texts is larger than a page of calls; beyond this something else is wrong. */
const ANSWER_CHARS_MAX = 200_000_000;

export type SqlValue = string | number | boolean | readonly string[];

export interface SqlEndpoint {
  /** Without user and password. */
  readonly url: string;
  /**
   * @param name of a file in this folder, without its extension
   * @throws CommandFailure exit code 5 when the endpoint does not answer, 6 when it does not let us in
   */
  query<Row extends z.ZodType>(
    name: string,
    parameters: Readonly<Record<string, SqlValue>>,
    row: Row,
  ): Promise<readonly z.output<Row>[]>;
}

/** The flag wins over `PLUMBLINE_SQL_URL`, that over local mode's address. */
export function openSqlEndpoint(
  { environment, signal }: Pick<CommandIo, "environment" | "signal">,
  flag: string | undefined,
): SqlEndpoint {
  const given = flag ?? environment["PLUMBLINE_SQL_URL"];
  const { url, headers } = splitUrl(given === undefined || given === "" ? SQL_URL_DEFAULT : given);
  return {
    url,
    async query(name, parameters, row) {
      const search = new URLSearchParams({ default_format: "JSONEachRow" });
      for (const [key, value] of Object.entries(parameters)) search.set(`param_${key}`, escapeValue(value));
      const text = await ask(`${url}/?${search.toString()}`, readStatement(name), headers, signal, url);
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => readRow(row, line, url));
    },
  };
}

function readStatement(name: string): string {
  return readFileSync(join(FOLDER, `${name}.sql`), "utf8");
}

/** `fetch` takes no user and password in an address; ClickHouse takes them as headers. */
function splitUrl(text: string): { readonly url: string; readonly headers: Record<string, string> } {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new UsageError(
      `"${text}" is no address of ClickHouse's HTTP interface. Write one such as ${SQL_URL_DEFAULT}`,
    );
  }
  const { origin, pathname, username, password } = new URL(text);
  return {
    url: `${origin}${pathname.replace(/\/+$/, "")}`,
    headers: {
      ...(username !== "" && { "x-clickhouse-user": decodeURIComponent(username) }),
      ...(password !== "" && { "x-clickhouse-key": decodeURIComponent(password) }),
    },
  };
}

/** Text as ClickHouse reads parameters: escaped like TabSeparated, arrays as literals. */
function escapeValue(value: SqlValue): string {
  if (Array.isArray(value)) {
    const items = value.map((item: string) => `'${item.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`);
    return escapeText(`[${items.join(",")}]`);
  }
  return escapeText(String(value));
}

function escapeText(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\t", "\\t")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\0", "\\0");
}

async function ask(
  address: string,
  statement: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  url: string,
): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "text/plain", ...headers },
      body: statement,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    text = await response.text();
  } catch (error) {
    if (signal.aborted) throw error;
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    throw new CommandFailure(
      EXIT.unavailable,
      "sql-unreachable",
      `The SQL endpoint at ${url} ${isTimeout ? `does not answer within ${TIMEOUT_MS / 1000} s` : `cannot be reached (${whyUnreachable(url, error)})`}.`,
      { cause: error, next: "start one (npm start), or give --sql or PLUMBLINE_SQL_URL" },
    );
  }
  if (response.ok && text.length <= ANSWER_CHARS_MAX) return text;
  throw refusal(response, text, url);
}

const ACCESS_CODES = new Set(["192", "193", "194", "497", "516"]);
const MISSING_CODES = new Set(["60", "81"]);

function refusal(response: Response, text: string, url: string): CommandFailure {
  const code = response.headers.get("x-clickhouse-exception-code");
  if (response.ok) {
    return new CommandFailure(
      EXIT.precondition,
      "answer-too-large",
      `${url} answered with more than can be held in memory.`,
      { next: "a shorter window, or a smaller --limit" },
    );
  }
  if (code === null) {
    return new CommandFailure(
      response.status >= 500 ? EXIT.unavailable : EXIT.precondition,
      "unexpected-answer",
      `${url} answered ${response.status}, and not as ClickHouse does.`,
      { next: "check --sql or PLUMBLINE_SQL_URL" },
    );
  }
  const [first = ""] = text.split("\n");
  if (ACCESS_CODES.has(code) || response.status === 401 || response.status === 403) {
    return new CommandFailure(EXIT.refused, "sql-refused", `${url} does not let us read: ${first}`, {
      next: "put user and password of a reader into the address: https://user:password@host:8443",
    });
  }
  const isMissing = MISSING_CODES.has(code);
  return new CommandFailure(
    isMissing ? EXIT.precondition : EXIT.unavailable,
    isMissing ? "views-missing" : "sql-failed",
    `${url} ${isMissing ? "lacks the views of this version" : "could not answer"}: ${first}`,
    isMissing ? { next: "npm run migrate, or another --sql" } : {},
  );
}

function readRow<Row extends z.ZodType>(row: Row, line: string, url: string): z.output<Row> {
  const parsed = row.safeParse(tryJson(line));
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    EXIT.unavailable,
    "unexpected-answer",
    `${url} answered something else than the views of this version: ${z.prettifyError(parsed.error)}`,
    { next: "check --sql or PLUMBLINE_SQL_URL, and the versions of both sides" },
  );
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
