/**
 * HTTP for every service: one way to declare routes, answer errors, report health, listen and stop.
 *
 * This is the only file that imports express. A service declares its routes as a list; unknown paths, wrong
 * methods and everything that a handler throws become `application/problem+json` (RFC 9457) here, in one place.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { InvalidConfigError } from "./load-config.ts";
import type { Logger } from "./logger.ts";
import type { Service } from "./run.ts";

export type { Request, Response };
export type HttpApp = Express;

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Express path pattern, such as `/v1/prompts/:use_case`. */
  readonly path: string;
  /**
   * Answers the request, or throws: `HttpProblem` to choose the answer, anything else for the mapping below.
   * What it puts into `response.locals` becomes fields of the request's log line.
   */
  handle(request: Request, response: Response): Promise<void> | void;
}

export interface HttpAppOptions {
  /** Service name; the log line of a request is `<name>.request`. */
  readonly name: string;
  readonly logger: Logger;
  readonly routes: readonly Route[];
  /** Named checks behind `/readyz`. A check resolves when ready and rejects with the reason when not. */
  readonly readiness?: Readonly<Record<string, () => Promise<unknown>>>;
}

/** The members of a problem document; the same shape as `Problem` in `schemas/http/problem.ts`. */
export interface ProblemBody {
  /** Stable identifier of the kind of problem, such as `urn:plumbline:invalid-event`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong and what to do about it. */
  readonly detail: string;
  readonly field?: string;
  readonly errors?: readonly { readonly index: number; readonly field: string; readonly message: string }[];
}

/** Thrown by a handler to end the request with exactly this answer. */
export class HttpProblem extends Error {
  readonly body: ProblemBody;
  readonly headers: Readonly<Record<string, string>>;
  constructor(body: ProblemBody, headers: Readonly<Record<string, string>> = {}) {
    super(body.detail);
    this.name = "HttpProblem";
    this.body = body;
    this.headers = headers;
  }
}

/** Longest wait for one readiness check, ms: shorter than the usual probe timeout of an orchestrator. */
const READINESS_TIMEOUT_MS = 900;
/** A body over its limit is read and thrown away up to this multiple, so that the sender gets to see the 413. */
const DISCARD_FACTOR = 8;

export function createHttpApp({ name, logger, routes, readiness = {} }: HttpAppOptions): HttpApp {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);

  app.use((request, response, next) => {
    const started = performance.now();
    response.once("close", () => {
      const fields = {
        method: request.method,
        path: request.path,
        status: response.statusCode,
        duration_ms: Math.round((performance.now() - started) * 10) / 10,
        ...response.locals,
      };
      if (HEALTH_PATHS.has(request.path)) logger.debug(fields, `${name}.request`);
      else if (response.statusCode >= 500) logger.warn(fields, `${name}.request`);
      else logger.info(fields, `${name}.request`);
    });
    next();
  });

  const all: readonly Route[] = [...healthRoutes(readiness), ...routes];
  for (const route of all) {
    app[METHODS[route.method]](route.path, async (request: Request, response: Response) => {
      await route.handle(request, response);
    });
  }
  for (const path of new Set(all.map((route) => route.path))) {
    const allowed = all.filter((route) => route.path === path).map((route) => route.method);
    app.all(path, (request) => {
      throw new HttpProblem(
        {
          type: "urn:plumbline:method-not-allowed",
          title: "Method not allowed",
          status: 405,
          detail: `${request.method} is not possible here; use ${allowed.join(" or ")}.`,
        },
        { allow: allowed.join(", ") },
      );
    });
  }
  app.use((request: Request) => {
    throw new HttpProblem({
      type: "urn:plumbline:not-found",
      title: "Not found",
      status: 404,
      detail: `There is nothing at this path. ${name} answers ${all
        .filter((route) => !HEALTH_PATHS.has(route.path))
        .map((route) => `${route.method} ${route.path}`)
        .join(", ")}.${request.path === "/" ? "" : " Check the path for a typing error."}`,
    });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const problem = toProblem(error);
    if (problem.body.status === 500) logger.error({ err: error }, `${name}.request_failed`);
    // The sender is gone, or a part of the answer is: there is nobody to explain anything to.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    for (const [header, value] of Object.entries(problem.headers)) response.setHeader(header, value);
    response.status(problem.body.status).type("application/problem+json").send(JSON.stringify(problem.body));
  });
  return app;
}

const METHODS = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const;
const HEALTH_PATHS: ReadonlySet<string> = new Set(["/livez", "/healthz", "/readyz"]);

function healthRoutes(readiness: Readonly<Record<string, () => Promise<unknown>>>): Route[] {
  const alive = (_request: Request, response: Response): void => {
    response.json({ status: "ok" });
  };
  return [
    { method: "GET", path: "/livez", handle: alive },
    { method: "GET", path: "/healthz", handle: alive },
    {
      method: "GET",
      path: "/readyz",
      handle: async (request, response) => {
        const checks = await Promise.all(
          Object.entries(readiness).map(
            async ([check, isReady]) => [check, await outcomeOf(isReady)] as const,
          ),
        );
        const ready = checks.every(([, outcome]) => outcome === "ok");
        response.status(ready ? 200 : 503).json({
          status: ready ? "ok" : "not_ready",
          ...(request.query["verbose"] === undefined ? {} : { checks: Object.fromEntries(checks) }),
        });
      },
    },
  ];
}

async function outcomeOf(isReady: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer in ${READINESS_TIMEOUT_MS} ms`)),
      READINESS_TIMEOUT_MS,
    );
  });
  try {
    await Promise.race([isReady(), limit]);
    return "ok";
  } catch (error) {
    return error instanceof Error ? error.message : "failed";
  } finally {
    clearTimeout(timer);
  }
}

/** Faults by their `code`. They are recognised by shape: this package knows no port. */
function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const { code, retryable, status, message } = (error ?? {}) as Record<string, unknown>;
  if (code === "log_full" || code === "log_unavailable" || retryable === true) {
    return new HttpProblem(
      {
        type: `urn:plumbline:${String(code).replaceAll("_", "-")}`,
        title: "Temporarily unavailable",
        status: 503,
        detail:
          code === "log_full"
            ? "The log is full. Nothing of this request was stored; send it again once there is room."
            : "A part that this request needs is unavailable. Send it again after Retry-After.",
      },
      { "retry-after": code === "log_full" ? "30" : "2" },
    );
  }
  if (code === "record_too_large")
    return tooLarge("A record is larger than the log accepts. Shorten its texts.");
  // What express itself refuses, such as a path that is not valid percent-encoding.
  if (typeof status === "number" && status >= 400 && status < 500) {
    return new HttpProblem({
      type: "urn:plumbline:bad-request",
      title: "Bad request",
      status,
      detail: String(message),
    });
  }
  return new HttpProblem({
    type: "urn:plumbline:internal",
    title: "Internal error",
    status: 500,
    detail: "This is a fault of the service. Its log has the details.",
  });
}

function tooLarge(detail: string): HttpProblem {
  return new HttpProblem({ type: "urn:plumbline:too-large", title: "Too large", status: 413, detail });
}

/**
 * The request's body, with gzip undone. At most `bytesMax` bytes are held, before and after decompression: a
 * compressed bomb stops at the limit.
 *
 * @throws HttpProblem 413 over the limit, 400 for damaged gzip, 415 for another content encoding
 */
export async function readBody(request: Request, { bytesMax }: { bytesMax: number }): Promise<Buffer> {
  const encoding = (request.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new HttpProblem({
      type: "urn:plumbline:unsupported-encoding",
      title: "Unsupported content encoding",
      status: 415,
      detail: "The content encoding must be gzip, or absent.",
    });
  }
  const overLimit = `The body is larger than ${bytesMax} bytes, the limit before and after decompression. Send it in smaller batches.`;
  const announced = Number(request.get("content-length") ?? 0);
  if (announced > bytesMax * DISCARD_FACTOR) throw closing(tooLarge(overLimit));

  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax * DISCARD_FACTOR) throw closing(tooLarge(overLimit));
    if (bytes > bytesMax) chunks.length = 0;
    else chunks.push(chunk as Buffer);
  }
  if (bytes > bytesMax) throw tooLarge(overLimit);
  const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  if (encoding === "identity") return body;
  try {
    return await gunzipUpTo(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(overLimit);
    throw new HttpProblem({
      type: "urn:plumbline:bad-gzip",
      title: "Damaged body",
      status: 400,
      detail: "The content encoding says gzip, but the body is not complete, valid gzip.",
    });
  }
}

const gunzipUpTo = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

function closing(problem: HttpProblem): HttpProblem {
  return new HttpProblem(problem.body, { ...problem.headers, connection: "close" });
}

export interface ListenOptions {
  /** Address to bind. Default 127.0.0.1: nothing is reachable from outside unless somebody says so. */
  readonly host?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The variable or flag that sets the port, for the message when it is taken. */
  readonly portSetting?: string;
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

/** @throws InvalidConfigError when the address can't be bound; the message says what to change */
export async function listen(app: HttpApp, options: ListenOptions): Promise<Listening> {
  const { host = "127.0.0.1", port, portSetting = "the port setting" } = options;
  let isClosing = false;
  const server: Server = createServer((request, response) => {
    response.once("close", () => {
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
    if (isClosing) response.setHeader("connection", "close");
    app(request, response);
  });
  // A sender that trickles its body holds a socket no longer than this.
  server.requestTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new InvalidConfigError(bindFailure(error, host, port, portSetting), { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
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

function bindFailure(error: NodeJS.ErrnoException, host: string, port: number, portSetting: string): string {
  if (error.code === "EADDRINUSE") {
    return `port ${port} on ${host} is in use; stop what uses it, or set ${portSetting} to another port (0 picks a free one)`;
  }
  if (error.code === "EACCES")
    return `no permission to bind port ${port}; set ${portSetting} to one above 1023`;
  return `cannot bind ${host}:${port} (${error.code ?? error.message}); check the host, and ${portSetting}`;
}

export interface HttpService extends Service {
  /** Resolves once the service listens; rejects when it could not. */
  readonly url: Promise<string>;
}

/** A service that serves `app` until it is stopped, and then lets the requests in flight finish. */
export function createHttpService(
  app: HttpApp,
  options: ListenOptions & { readonly name: string; readonly logger: Logger; readonly drainMs?: number },
): HttpService {
  const { promise: url, resolve, reject } = withResolvers<string>();
  // Nobody has to look at `url`: the same failure rejects `run`.
  url.catch(() => undefined);
  return {
    name: options.name,
    url,
    run: async (signal) => {
      let listening: Listening;
      try {
        listening = await listen(app, options);
      } catch (error) {
        reject(error);
        throw error;
      }
      options.logger.info({ url: listening.url }, `${options.name}.listening`);
      resolve(listening.url);
      await new Promise<void>((stopped) => {
        if (signal.aborted) stopped();
        else signal.addEventListener("abort", () => stopped(), { once: true });
      });
      await listening.close(options.drainMs);
    },
  };
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
