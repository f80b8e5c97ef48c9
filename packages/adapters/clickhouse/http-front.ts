/**
 * ClickHouse's HTTP interface in front of the in-process engine, so that curl, notebooks, Grafana and
 * @clickhouse/client reach local mode as they would reach a server.
 *
 * Understood: GET and POST on `/` (`query`, `database`, `param_<name>`, `default_format`, `query_id`; the body is
 * the rest of the statement), `/ping`, gzip bodies, exceptions with their code in status, header and text.
 * Left out: sessions, users, compressed answers, progress headers. Settings in the address are ignored.
 *
 * Bound to the loopback interface. A page in a browser could still reach it under a name of its own that resolves
 * here, so a Host header that isn't a loopback name is refused.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { buffer as readBuffer, text as readText } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { type EmbeddedClickHouse, StatementError, type StatementRunner } from "./embedded.ts";
import { refuseUnlessReadOnly } from "./read-only-statement.ts";
import { readQuery } from "./sql-files.ts";
import { bindParameters, tokenize } from "./sql-text.ts";

export interface ClickHouseFront {
  /** `http://127.0.0.1:<port>`, what a client is given. */
  readonly url: string;
  close(): Promise<void>;
}

/** Larger bodies are refused; a block of the store's own inserts stays below. */
const BODY_BYTES_MAX = 536_870_912;
/** As the server's `http_max_uri_size`: parameters travel in the address, and a page of call ids is long. */
const URI_BYTES_MAX = 1_048_576;
const READONLY_CODE = 164;
const SYNTAX_ERROR_CODE = 62;
const DEFAULT_FORMAT = "TabSeparated";
/** The one binary format that is taken: what the store's own inserts are written in. */
const INSERT_NATIVE = /^(\s*INSERT\s[^;]*?)\s+FORMAT\s+Native\s*$/i;

/**
 * @param readOnly answers only what reads, and lets the engine itself refuse the rest; the default
 * @param port 0 takes a free one
 */
export async function serveClickHouse(
  clickhouse: EmbeddedClickHouse,
  { port = 0, readOnly = true }: { readonly port?: number; readonly readOnly?: boolean } = {},
): Promise<ClickHouseFront> {
  const runner: StatementRunner = readOnly ? await clickhouse.openReader() : clickhouse;
  const known = await clickhouse.query(readQuery("table_functions"));
  const tableFunctions = new Set(known.map(({ name }) => String(name).toLowerCase()));
  const refuse = (statement: string): string | null =>
    readOnly ? refuseUnlessReadOnly(statement, tableFunctions) : null;
  const server = createServer({ maxHeaderSize: URI_BYTES_MAX }, (request, response) => {
    void answer(request, response, runner, refuse, readOnly ? null : clickhouse);
  });
  await listen(server, port);
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  runner: StatementRunner,
  refuse: (statement: string) => string | null,
  clickhouse: Pick<EmbeddedClickHouse, "executeInsert"> | null,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const headers = {
    "X-ClickHouse-Server-Display-Name": "plumbline",
    "X-ClickHouse-Query-Id": url.searchParams.get("query_id") ?? "",
    "X-ClickHouse-Summary": '{"read_rows":"0","read_bytes":"0","written_rows":"0","written_bytes":"0"}',
  };
  const fail = (status: number, code: number, message: string): void => {
    const body = /^Code: \d+\. /.test(message) ? message : `Code: ${code}. DB::Exception: ${message}`;
    response
      .writeHead(status, {
        ...headers,
        "Content-Type": "text/plain; charset=UTF-8",
        "X-ClickHouse-Exception-Code": String(code),
      })
      .end(`${body}\n`);
  };

  if (!isLoopbackHost(request.headers.host))
    return fail(403, READONLY_CODE, "this endpoint is local. (READONLY)");
  if (url.pathname === "/ping") {
    response.writeHead(200, headers).end("Ok.\n");
    return;
  }
  if (url.pathname !== "/") return fail(404, 0, `There is no handle ${url.pathname}`);
  if (request.method !== "GET" && request.method !== "POST")
    return fail(501, 0, "only GET and POST are understood");

  try {
    refuseOtherDatabase(url);
    const insert = INSERT_NATIVE.exec(url.searchParams.get("query") ?? "");
    if (insert !== null && clickhouse !== null) {
      await clickhouse.executeInsert(insert[1]!, await readBuffer(readBody(request)));
      response.writeHead(200, headers).end();
      return;
    }
    const statement = bindParameters(await readStatement(request, url), parametersOf(url));
    const refusal = refuse(statement);
    if (refusal !== null) return fail(500, READONLY_CODE, `${refusal}. (READONLY)`);

    const format = url.searchParams.get("default_format") ?? DEFAULT_FORMAT;
    const bytes = await runner.execute(statement, format);
    response
      .writeHead(200, {
        ...headers,
        "Content-Type": "text/plain; charset=UTF-8",
        "X-ClickHouse-Format": formatOf(statement) ?? format,
      })
      .end(bytes);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = codeOf(error);
    // As the server does: what isn't there is 404, what may not be is 403, the rest 500.
    const status = code === 60 || code === 81 ? 404 : code === 497 || code === 516 ? 403 : 500;
    fail(status, code, message);
  }
}

/** What the front itself refuses is a matter of how the request was written. */
function codeOf(error: unknown): number {
  if (error instanceof StatementError) return error.clickhouseCode;
  return error instanceof RangeError ? SYNTAX_ERROR_CODE : 0;
}

function isLoopbackHost(host: string | undefined): boolean {
  return host === undefined || /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host);
}

/** The query of the address and the body, joined by a line break as the server joins them. */
async function readStatement(request: IncomingMessage, url: URL): Promise<string> {
  const fromAddress = url.searchParams.get("query") ?? "";
  if (request.method === "GET") return fromAddress;
  const text = await readText(readBody(request));
  return fromAddress === "" ? text : `${fromAddress}\n${text}`;
}

function readBody(request: IncomingMessage): Readable {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "gzip")
    throw new RangeError(`unknown Content-Encoding ${encoding}`);
  const body = encoding === "gzip" ? request.pipe(createGunzip()) : request;
  let bytes = 0;
  body.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) body.destroy(new RangeError(`a body has at most ${BODY_BYTES_MAX} bytes`));
  });
  return body;
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
