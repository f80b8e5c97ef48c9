import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { ACTION_SCRIPT, ACTION_STYLE } from "./actions.ts";
import type { Inbox } from "./inbox.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { renderPage } from "./page.ts";

export interface InboxHandlerOptions {
  /** Path of the handler, without a slash at the end. Default "": the root. */
  readonly basePath?: string;
  /** Number of use cases watched now, for the empty page. */
  readonly watching?: () => number;
  /** Whether the server takes commands about incidents, `POST /v1/incidents/…`: then they have buttons. Default false. */
  readonly takesCommands?: boolean;
  /** Folder of `<name>.md` files served under `/runbooks/`; without it there are none. */
  readonly runbooksDir?: string;
  /** Ends the live streams when it aborts, so that a server can stop at once. */
  readonly signal?: AbortSignal;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#7a8699" d="M7.4 0h1.2v8L11 10.5 8 16l-3-5.5L7.4 8V0Z"/></svg>`;
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};
/** Open pages at a time; one more is told to come back, and shows the page without live updates. */
const STREAMS_MAX = 100;
const KEEP_ALIVE_MS = 20_000;

/**
 * Paths that the handler answers, for a server that routes by list; `:name` is one segment. Pages are what people open
 * by a link in a message.
 */
export function inboxPaths(basePath = ""): { readonly path: string; readonly isPage: boolean }[] {
  const at = (path: string, isPage: boolean) => ({ path: `${basePath}${path}`, isPage });
  return [
    { path: basePath === "" ? "/" : basePath, isPage: true },
    at("/runbooks/:name", true),
    ...["/messages", "/events", "/inbox.css", "/inbox.js", "/inbox.svg"].map((path) => at(path, false)),
  ];
}

/**
 * Serves the inbox: `/` the page, `/messages` the same as JSON, `/events` a stream that says when to look again.
 * It reads only: commands are another route's. Nothing in it trusts a message's text. Each request names whose messages it gets: a tenant's, or null
 * for all.
 */
export function inboxHandler(
  inbox: Inbox,
  options: InboxHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse, tenant: string | null) => void {
  const { basePath = "", watching, runbooksDir, signal, takesCommands = false } = options;
  let streams = 0;

  function stream(request: IncomingMessage, response: ServerResponse, tenant: string | null): void {
    if (request.method === "HEAD") return send(response, 200, "text/event-stream", "");
    if (streams >= STREAMS_MAX || signal?.aborted === true) {
      response.setHeader("retry-after", "30");
      return send(response, 503, "text/plain; charset=utf-8", "too many open pages\n");
    }
    streams += 1;
    response.writeHead(200, { ...SECURITY_HEADERS, "content-type": "text/event-stream" });
    response.write("retry: 3000\n\n");
    const stopListening = inbox.onChange(tenant, () => response.write("event: change\ndata:\n\n"));
    const keepAlive = setInterval(() => response.write(":\n\n"), KEEP_ALIVE_MS);
    keepAlive.unref();
    const end = (): void => void response.end();
    signal?.addEventListener("abort", end);
    response.once("close", () => {
      streams -= 1;
      stopListening();
      clearInterval(keepAlive);
      signal?.removeEventListener("abort", end);
    });
    request.resume();
  }

  async function runbook(name: string, response: ServerResponse): Promise<void> {
    // The name can't leave the folder: no dot and no slash in it.
    if (runbooksDir === undefined || !/^[a-z0-9-]{1,60}$/.test(name)) return notFound(response);
    const text = await readFile(join(runbooksDir, `${name}.md`), "utf8").catch(() => null);
    if (text === null) return notFound(response);
    send(response, 200, "text/plain; charset=utf-8", text);
  }

  function route(request: IncomingMessage, response: ServerResponse, tenant: string | null): void {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(response, 405, "text/plain; charset=utf-8", "only GET\n");
    }
    const path = (request.url ?? "/").replace(/[?#].*$/, "");
    if (path !== basePath && !path.startsWith(`${basePath}/`)) return notFound(response);
    const own = path.slice(basePath.length);
    switch (own) {
      case "":
      case "/":
        return send(
          response,
          200,
          "text/html; charset=utf-8",
          renderPage(inbox.messages(tenant), { basePath, watching: watching?.() ?? null, takesCommands }),
        );
      case "/messages":
        return send(
          response,
          200,
          "application/json",
          JSON.stringify({
            messages: inbox.messages(tenant).map(({ message, thread }) => ({ ...message, thread })),
          }),
        );
      case "/events":
        return stream(request, response, tenant);
      case "/inbox.css":
        return send(response, 200, "text/css; charset=utf-8", PAGE_STYLE + ACTION_STYLE);
      case "/inbox.js":
        return send(response, 200, "text/javascript; charset=utf-8", PAGE_SCRIPT + ACTION_SCRIPT);
      case "/inbox.svg":
        return send(response, 200, "image/svg+xml", ICON);
      default: {
        const name = /^\/runbooks\/([^/]+)\.md$/.exec(own)?.[1];
        if (name === undefined) return notFound(response);
        void runbook(name, response);
      }
    }
  }

  return route;
}

function notFound(response: ServerResponse): void {
  send(response, 404, "text/plain; charset=utf-8", "not found\n");
}

/** Node leaves out the body of an answer to HEAD by itself. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...SECURITY_HEADERS, "content-type": type }).end(body);
}
