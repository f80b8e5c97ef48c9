/**
 * Whom a server of ours answers. Decided before any route sees the request, in one place for every server.
 *
 * A page of another site runs in the browser of a person who can reach the server, so where the server listens says
 * nothing about who asks. Browsers say it: in `Sec-Fetch-Site`, in `Origin`, and in `Host`, which names the attacker's
 * domain when that domain was made to resolve here (DNS rebinding).
 */
import type { IncomingMessage } from "node:http";
import { isAllowedHost, isAllowedOrigin } from "./allowed-hosts.ts";
import type { ProblemBody } from "./problem.ts";

interface GuardOptions {
  /** The server is bound to a loopback address: only loopback names can mean it. */
  readonly isLoopback: boolean;
  /** Whether `path` is a document that people open by a link from elsewhere, such as Slack. */
  isPage(path: string): boolean;
}

/** Of every answer of every server: no other site embeds it, and no browser guesses another type for it. */
export const ANSWER_HEADERS = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Headers that say who asks and whom: one of each. */
const SINGLE_HEADERS = ["host", "origin", "sec-fetch-site", "authorization"] as const;

const LOOPBACK_NAME = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/** refusalOf returns why `request` gets no answer from a route, or null when it does. */
export function refusalOf(request: IncomingMessage, options: GuardOptions): ProblemBody | null {
  const { url = "", headers } = request;
  // An absolute form, as sent to a proxy, would name a second host beside the Host header.
  if (!url.startsWith("/")) {
    return badRequest("The request target must be a path that begins with a slash.");
  }
  // Of two, a proxy may have obeyed one and this server the other.
  const doubled = SINGLE_HEADERS.find((name) => (request.headersDistinct[name]?.length ?? 0) > 1);
  if (doubled !== undefined)
    return badRequest(`The header ${doubled} was sent more than once; send it once.`);
  const host = headers.host?.toLowerCase() ?? "";
  if (options.isLoopback && !LOOPBACK_NAME.test(host) && !isAllowedHost(host)) {
    return forbidden(
      "urn:plumbline:foreign-host",
      "This server listens on this machine only: use localhost, 127.0.0.1 or [::1] as the host of the address. Where a proxy or a container reaches it under another name, put that name into PLUMBLINE_ALLOWED_HOSTS of this process.",
    );
  }
  if (headers.host === undefined && request.httpVersion !== "1.0") {
    return badRequest("The Host header is missing.");
  }
  const { origin } = headers;
  if (origin !== undefined && !isOwnOrigin(origin, host)) {
    return forbidden(
      "urn:plumbline:foreign-origin",
      "Pages of other origins get no answer here. If the page is this server's own, behind a proxy that changes the Host header, put the page's host into PLUMBLINE_ALLOWED_HOSTS of this process.",
    );
  }
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return null;
  if (isFollowedLink(request) && options.isPage(pathOf(url))) return null;
  return forbidden("urn:plumbline:foreign-site", "Pages of other sites get no answer here.");
}

/** isFollowedLink returns true when a browser opens the answer as a document of its own, which no other page reads. */
function isFollowedLink({ method, headers }: IncomingMessage): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    headers["sec-fetch-mode"] === "navigate" &&
    headers["sec-fetch-dest"] === "document"
  );
}

/** pathOf returns the path of a request target in origin form. */
function pathOf(target: string): string {
  return target.replace(/[?#].*$/s, "");
}

/** A page of this server sent the request, as far as its origin tells. */
function isOwnOrigin(origin: string, host: string): boolean {
  const from = hostOf(origin);
  return from !== null && (from === host || isAllowedOrigin(from));
}

/** Host and port of an Origin header; null for `null` and for what is no origin. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function badRequest(detail: string): ProblemBody {
  return { type: "urn:plumbline:bad-request", title: "Bad request", status: 400, detail };
}

function forbidden(type: string, detail: string): ProblemBody {
  return { type, title: "Forbidden", status: 403, detail };
}
