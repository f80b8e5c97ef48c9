/**
 * The edge of every server of ours: it binds an address, decides whom it answers, and keeps whatever a request causes
 * at that request. `node:http` serves nothing here except through `listen`.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { type AddressInfo, isIPv4, type Socket } from "node:net";
import { InvalidConfigError } from "../variables/load-config.ts";
import type { Logger } from "../logger.ts";
import { ANSWER_HEADERS, refusalOf } from "./foreign-requests.ts";
import type { ProblemBody } from "./problem.ts";
import type { HttpApp } from "./route.ts";
import { createTlsServer, type TlsFiles } from "./tls.ts";

export interface ListenOptions {
  /** Address to bind. Default 127.0.0.1: nothing is reachable from outside unless somebody says so. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The variable or flag that sets the port, for the message when it is taken. */
  readonly portSetting?: string;
  /** Absent: plain HTTP, for loopback or behind a proxy that speaks TLS. */
  readonly tls?: TlsFiles | undefined;
  readonly logger: Logger;
  /** Longest request line and headers, bytes. Default 16 KiB. */
  readonly headerBytesMax?: number;
}

export interface Listening {
  /** Base address without a trailing slash, with the real port. */
  readonly url: string;
  /**
   * Stops accepting, lets requests in flight finish for at most `drainMs` (default 5,000), then cuts what is left.
   * Idle keep-alive connections are closed at once.
   */
  close(drainMs?: number): Promise<void>;
}

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

/** isLoopback returns true when only this machine reaches a server that binds `host`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

/** Longest wait for the headers of a request, ms. */
export const HEADERS_TIMEOUT_MS = 15_000;
/** Longest wait for a whole request, ms. */
export const REQUEST_TIMEOUT_MS = 60_000;
/** Longest request line and headers unless a server says otherwise, bytes. */
export const HEADER_BYTES_MAX = 16_384;
/** How often stalled connections are looked for, ms. */
const TIMEOUT_CHECK_MS = 5_000;

/**
 * @throws InvalidConfigError when the address can't be bound, or lies beyond loopback and no key is asked for; the
 *   message says what to change
 */
export async function listen(app: HttpApp, options: ListenOptions): Promise<Listening> {
  const { host = "127.0.0.1", port, portSetting = "the port setting", tls, logger } = options;
  if (!isLoopback(host) && app.asksForKeys !== true) {
    throw new InvalidConfigError(
      `whoever reaches ${host} would be obeyed: ask for API keys (PLUMBLINE_ADMIN_KEY is the first one, \`plumbline keys create\` makes more), or bind 127.0.0.1`,
    );
  }
  let isClosing = false;
  let isBoundToLoopback = true;

  const limits: ServerOptions = {
    maxHeaderSize: options.headerBytesMax ?? HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    // Refused by the guard, with our headers.
    requireHostHeader: false,
  };
  const server: Server = tls === undefined ? createServer(limits) : createTlsServer(tls, limits, logger);
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    response.once("close", () => {
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
    if (isClosing) response.setHeader("connection", "close");
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) response.setHeader(name, value);
    // Without a listener, an error of a stream that nobody reads any more would end the process.
    for (const stream of [request, response]) {
      stream.on("error", (error) => logger.debug({ err: error }, "http.stream_error"));
    }
    const refusal = refusalOf(request, {
      isLoopback: isBoundToLoopback,
      isPage: (path) => app.isPage?.(path) === true,
    });
    if (refusal !== null) return answerProblem(response, refusal);
    void answer(app, request, response, logger);
  };
  server.on("request", serve);
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) response.setHeader(name, value);
    answerProblem(response, problemOf(417, "The only expectation that is met is 100-continue."));
  });
  server.on("clientError", answerClientError);

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new InvalidConfigError(bindFailure(error, host, port, portSetting), { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  server.on("error", (error) => logger.error({ err: error }, "http.server_error"));
  const address = server.address() as AddressInfo;
  isBoundToLoopback = isLoopbackAddress(address.address);

  return {
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    close: async (drainMs = 5000) => {
      if (isClosing) return;
      isClosing = true;
      const cut = setTimeout(() => server.closeAllConnections(), drainMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      clearTimeout(cut);
    },
  };
}

/** Runs the app on one request. What it throws ends here, as an answer of 500 and a line of the log. */
async function answer(
  app: HttpApp,
  request: IncomingMessage,
  response: ServerResponse,
  logger: Logger,
): Promise<void> {
  try {
    await app.handle(request, response);
  } catch (error) {
    logger.error({ err: error }, "http.request_failed");
    if (response.headersSent || response.destroyed) response.destroy();
    else answerProblem(response, problemOf(500, "This is a fault of the service. Its log has the details."));
  }
}

function answerProblem(response: ServerResponse, problem: ProblemBody): void {
  // The body of a refused request is not read: the connection can't be used again.
  response
    .writeHead(problem.status, { "content-type": PROBLEM_TYPE, connection: "close" })
    .end(JSON.stringify(problem));
}

/** Answers what is no HTTP request, or was not sent in time. No request object exists for it. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const problem = problemOf(status, "The request is not complete, valid HTTP/1.1.");
  const body = JSON.stringify(problem);
  const headers = {
    ...ANSWER_HEADERS,
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status} ${problem.title}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}

const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

function problemOf(status: number, detail: string): ProblemBody {
  return {
    type: status === 500 ? "urn:plumbline:internal" : "urn:plumbline:bad-request",
    title: STATUS_CODES[status] ?? "Bad request",
    status,
    detail,
  };
}

function isLoopbackAddress(address: string): boolean {
  const ip = address.replace(/^::ffff:/i, "");
  return ip === "::1" || (isIPv4(ip) && ip.startsWith("127."));
}

function bindFailure(error: NodeJS.ErrnoException, host: string, port: number, portSetting: string): string {
  if (error.code === "EADDRINUSE") {
    return `port ${port} on ${host} is in use; stop what uses it, or set ${portSetting} to another port (0 picks a free one)`;
  }
  if (error.code === "EACCES")
    return `no permission to bind port ${port}; set ${portSetting} to one above 1023`;
  return `cannot bind ${host}:${port} (${error.code ?? error.message}); check the host, and ${portSetting}`;
}
