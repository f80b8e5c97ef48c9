/**
 * ClickHouse's HTTP interface in front of the in-process engine, so that curl, notebooks, Grafana and
 * @clickhouse/client reach local mode as they would reach a server.
 *
 * Understood: GET and POST on `/` (`query`, `database`, `param_<name>`, `default_format`, `query_id`; the body is
 * the rest of the statement), `/ping`, gzip bodies, exceptions with their code in status, header and text.
 * Left out: sessions, users, compressed answers, progress headers. Settings in the address are ignored.
 *
 * Bound to the loopback interface; whom it answers there is decided where every server decides it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type BodyReader,
  createBodyReader,
  HttpProblem,
  listen,
  readWholeText,
} from "@plumbline/runtime/http";
import type { Logger } from "@plumbline/runtime/logger";
import type { EmbeddedClickHouse } from "./embedded.ts";
import { refuseUnlessReadOnly } from "./sql/read-only-statement.ts";
import { TOO_MANY_SIMULTANEOUS_QUERIES } from "./reader.ts";
import { readQuery } from "./sql/sql-files.ts";
import { bindParameters, type StatementLimits, tokenize } from "./sql/sql-text.ts";
import { StatementError, type StatementRunner } from "./statement.ts";

export interface ClickHouseFront {
  /** `http://127.0.0.1:<port>`, what a client is given. */
  readonly url: string;
  close(): Promise<void>;
}

interface ClickHouseFrontOptions {
  /** 0 takes a free one; the default. */
  readonly port?: number;
  /** Answers only what reads, and lets the engine itself refuse the rest; the default. */
  readonly readOnly?: boolean;
  readonly logger: Logger;
}

/**
 * A statement on the read-only port: its body before and after decompression, and itself with its parameters. As the engine's
 * `max_query_size`, which refuses more in any case: what can't be answered is not read word by word first.
 */
export const STATEMENT_BYTES_MAX = 262_144;
/** Words and symbols of one: they are read on the thread that everything else of the process runs on. */
export const STATEMENT_WORDS_MAX = 50_000;
/** A body of the port that also writes; a block of the store's own inserts stays below. */
const INSERT_BYTES_MAX = 536_870_912;
/** As the server's `http_max_uri_size`: parameters travel in the address, and a page of call ids is long. */
export const SQL_URI_BYTES_MAX = 1_048_576;
const READONLY_CODE = 164;
const SYNTAX_ERROR_CODE = 62;
const DEFAULT_FORMAT = "TabSeparated";

interface Front {
  readonly runner: StatementRunner;
  readonly bodies: BodyReader;
  readonly limits: StatementLimits;
  /** Reason why a statement is refused, or null. */
  refuse(statement: string): string | null;
  /** Takes inserts; null when only reading is answered. */
  readonly writer: Pick<EmbeddedClickHouse, "executeInsert"> | null;
}

/** @throws InvalidConfigError when the port can't be bound */
export async function serveClickHouse(
  clickhouse: EmbeddedClickHouse,
  { port = 0, readOnly = true, logger }: ClickHouseFrontOptions,
): Promise<ClickHouseFront> {
  const known = await clickhouse.query(readQuery("table_functions"));
  const tableFunctions = new Set(known.map(({ name }) => String(name).toLowerCase()));
  const front: Front = readOnly
    ? {
        runner: await clickhouse.openReader(),
        bodies: createBodyReader({ bytesMax: STATEMENT_BYTES_MAX, advice: "Shorten the statement." }),
        limits: { charsMax: STATEMENT_BYTES_MAX, wordsMax: STATEMENT_WORDS_MAX },
        refuse: (statement) => refuseUnlessReadOnly(statement, tableFunctions),
        writer: null,
      }
    : {
        runner: clickhouse,
        bodies: createBodyReader({ bytesMax: INSERT_BYTES_MAX }),
        limits: { charsMax: INSERT_BYTES_MAX },
        refuse: () => null,
        writer: clickhouse,
      };
  const server = await listen(
    { handle: (request, response) => answer(front, request, response) },
    { port, portSetting: "--sql-port or PLUMBLINE_SQL_PORT", headerBytesMax: SQL_URI_BYTES_MAX, logger },
  );
  // Nobody waits for an answer of a process that stops.
  return { url: server.url, close: () => server.close(0) };
}

async function answer(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(`http://127.0.0.1${request.url ?? "/"}`);
  const headers = {
    "X-ClickHouse-Server-Display-Name": "plumbline",
    "X-ClickHouse-Query-Id": headerText(url.searchParams.get("query_id") ?? ""),
    "X-ClickHouse-Summary": '{"read_rows":"0","read_bytes":"0","written_rows":"0","written_bytes":"0"}',
  };
  const fail = (status: number, code: number, message: string, more: Record<string, string> = {}): void => {
    const body = /^Code: \d+\. /.test(message) ? message : `Code: ${code}. DB::Exception: ${message}`;
    response
      .writeHead(status, {
        ...headers,
        ...more,
        "Content-Type": "text/plain; charset=UTF-8",
        "X-ClickHouse-Exception-Code": String(code),
      })
      .end(`${body}\n`);
  };

  if (url.pathname === "/ping") {
    response.writeHead(200, headers).end("Ok.\n");
    return;
  }
  if (url.pathname !== "/") return fail(404, 0, `There is no handle ${url.pathname}`);
  // HEAD is GET without its body, which node:http leaves out.
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead && request.method !== "POST") {
    return fail(405, 0, "only GET, HEAD and POST are understood", { Allow: "GET, HEAD, POST" });
  }

  const { host = "127.0.0.1" } = request.headers;
  if (isBrowserWithoutQuery(request, url)) {
    response.writeHead(200, { ...headers, "Content-Type": "text/plain; charset=UTF-8" }).end(greeting(host));
    return;
  }

  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    refuseOtherDatabase(url);
    const insert = front.writer === null ? null : insertOf(url.searchParams.get("query") ?? "");
    if (insert !== null && front.writer !== null) {
      await front.writer.executeInsert(insert, await front.bodies.read(request, OWNER));
      response.writeHead(200, headers).end();
      return;
    }
    const written = await readStatement(front.bodies, request, url);
    const statement = bindParameters(written, parametersOf(url), front.limits);
    const refusal = front.refuse(statement);
    if (refusal !== null) return fail(403, READONLY_CODE, `${refusal}. (READONLY)`);

    const format = url.searchParams.get("default_format") ?? DEFAULT_FORMAT;
    const bytes = await front.runner.execute(statement, format, gone.signal);
    response
      .writeHead(200, {
        ...headers,
        "Content-Type": "text/plain; charset=UTF-8",
        "X-ClickHouse-Format": headerText(formatOf(statement) ?? format),
      })
      .end(bytes);
  } catch (error) {
    if (gone.signal.aborted) return;
    const { status, code, message, more } = failureOf(error);
    fail(status, code, message, more);
  }
}

/** A person who opened the address, as opposed to a client that forgot its query. */
function isBrowserWithoutQuery({ method, headers }: IncomingMessage, url: URL): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    url.search === "" &&
    (headers.accept ?? "").includes("text/html")
  );
}

function greeting(host: string): string {
  return `This is Plumbline's SQL address: it answers ClickHouse's HTTP interface. Put a query behind it, such as

  http://${host}/?query=SELECT+*+FROM+plumbline.calls_v1+LIMIT+3+FORMAT+Vertical

  http://${host}/?query=SHOW+TABLES+FROM+plumbline
`;
}

/** Without keys, everybody on this machine is one owner. */
const OWNER = "local";

interface Failure {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly more?: Record<string, string>;
}

/** Names of the engine's own faults; every other code says what is wrong with the statement. */
const ENGINE_FAULTS: ReadonlySet<number> = new Set([
  0, // no code
  49, // LOGICAL_ERROR
  74, // CANNOT_READ_FROM_FILE_DESCRIPTOR
  76, // CANNOT_OPEN_FILE
  243, // NOT_ENOUGH_SPACE
  1000, // POCO_EXCEPTION
  1001, // STD_EXCEPTION
  1002, // UNKNOWN_EXCEPTION
]);
const STATUSES: Readonly<Record<number, number>> = {
  46: 404, // UNKNOWN_FUNCTION
  47: 404, // UNKNOWN_IDENTIFIER
  60: 404, // UNKNOWN_TABLE
  81: 404, // UNKNOWN_DATABASE
  159: 408, // TIMEOUT_EXCEEDED
  [READONLY_CODE]: 403,
  [TOO_MANY_SIMULTANEOUS_QUERIES]: 429,
  497: 403, // ACCESS_DENIED
  516: 403, // AUTHENTICATION_FAILED
};

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof HttpProblem) {
    return { status: error.body.status, code: SYNTAX_ERROR_CODE, message, more: { ...error.headers } };
  }
  // The front itself refuses a request for the way it was written.
  if (error instanceof RangeError) return { status: 400, code: SYNTAX_ERROR_CODE, message };
  const code = error instanceof StatementError ? error.clickhouseCode : 0;
  const status = STATUSES[code] ?? (ENGINE_FAULTS.has(code) ? 500 : 400);
  return { status, code, message, ...(status === 429 && { more: { "Retry-After": "1" } }) };
}

/** `text` where a header can carry it, else nothing. */
function headerText(text: string): string {
  return /^[\x20-\x7e]{0,256}$/.test(text) ? text : "";
}

/** The query of the address and the body, joined by a line break as the server joins them. */
async function readStatement(bodies: BodyReader, request: IncomingMessage, url: URL): Promise<string> {
  const fromAddress = url.searchParams.get("query") ?? "";
  if (request.method !== "POST") return fromAddress;
  const text = readWholeText(await bodies.read(request, OWNER), request.headers["content-type"]);
  return fromAddress === "" ? text : `${fromAddress}\n${text}`;
}

/**
 * The INSERT in front of `FORMAT Native`, the one binary format that is taken: what the store's own inserts are written
 * in. Null for every other statement.
 */
function insertOf(query: string): string | null {
  const text = query.trimEnd();
  const format = /\sFORMAT\s+Native$/i.exec(text);
  if (format === null || !/^\s*INSERT\s/i.test(text)) return null;
  const insert = text.slice(0, format.index).trimEnd();
  return insert.includes(";") ? null : insert;
}

/** Values arrive escaped as in TabSeparated. */
function parametersOf(url: URL): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [key, value] of url.searchParams) {
    if (key.startsWith("param_")) parameters[key.slice("param_".length)] = unescapeTabSeparated(value);
  }
  return parameters;
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", b: "\b", f: "\f", "0": "\0" };

function unescapeTabSeparated(value: string): string {
  return value.replace(/\\([\s\S])/g, (_match, escaped: string) => ESCAPES[escaped] ?? escaped);
}

/** The name after the last FORMAT, where the statement has one. */
function formatOf(statement: string): string | null {
  if (!/\bFORMAT\b/i.test(statement)) return null;
  const words = tokenize(statement.slice(0, 65_536)).filter((token) => token.kind === "word");
  const at = words.findLastIndex((token) => token.text.toUpperCase() === "FORMAT");
  return at === -1 ? null : (words[at + 1]?.text ?? null);
}

/** Connections are shared, so a request can't move one to another database. */
function refuseOtherDatabase(url: URL): void {
  const database = url.searchParams.get("database") ?? "";
  if (["", "default", "plumbline"].includes(database)) return;
  throw new StatementError(`qualify names with their database instead of choosing ${database}`, 81);
}
