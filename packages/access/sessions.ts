/**
 * Sessions of people in browsers. A session is opened by a key or by a link that holds once; its cookie is no use to a
 * foreign page (`SameSite=Strict`, `HttpOnly`), and what changes state needs a header that only our own page can send.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { AccessRefused, type Guard, type Principal, type Request } from "@plumbline/runtime/http";
import { forbidden, mayUse } from "./key-guard.ts";

export const SESSION_COOKIE = "plumbline_session";
export const CSRF_HEADER = "x-plumbline-csrf";
/** A day of work; then the key or a new link is asked for again. */
export const SESSION_MS = 12 * 3_600_000;
const SESSIONS_MAX = 10_000;
const TOKEN_BYTES = 32;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

interface Session {
  readonly principal: Principal;
  /** Sent back in `CSRF_HEADER` with whatever changes state. */
  readonly csrf: string;
  /** Ms of `now`. */
  readonly ends: number;
}

export interface Sessions {
  /** A token that opens one session as `principal`, once. */
  issueLink(principal: Principal): string;
  /** @returns the secret of the cookie; null when the token was used, or is none */
  openByLink(token: string): string | null;
  open(principal: Principal): string;
  close(request: Request): void;
  find(request: Request): Session | null;
}

/** @param now monotonic, ms */
export function createSessions(now: () => number = () => performance.now()): Sessions {
  const sessions = new Map<string, Session>();
  const links = new Map<string, Principal>();

  function open(principal: Principal): string {
    const secret = randomBytes(TOKEN_BYTES).toString("base64url");
    const csrf = randomBytes(TOKEN_BYTES).toString("base64url");
    sessions.set(digestOf(secret), { principal, csrf, ends: now() + SESSION_MS });
    if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value!);
    return secret;
  }

  return {
    open,
    issueLink(principal) {
      const token = randomBytes(TOKEN_BYTES).toString("base64url");
      links.set(digestOf(token), principal);
      return token;
    },
    openByLink(token) {
      const digest = digestOf(token);
      const principal = links.get(digest);
      if (principal === undefined) return null;
      links.delete(digest);
      return open(principal);
    },
    close(request) {
      const secret = cookieOf(request);
      if (secret !== null) sessions.delete(digestOf(secret));
    },
    find(request) {
      const secret = cookieOf(request);
      const session = secret === null ? undefined : sessions.get(digestOf(secret));
      if (session === undefined || secret === null) return null;
      if (session.ends > now()) return session;
      sessions.delete(digestOf(secret));
      return null;
    },
  };
}

/**
 * `guard` for a server with pages: a session does what its opener's key does, but changes state only with the header.
 * Without a session `guard` decides; where it asks for no key, it decides about reads alone.
 */
export function withSessions(guard: Guard, sessions: Sessions): Guard {
  return {
    asksForKeys: guard.asksForKeys,
    async check(request, scope) {
      const session = sessions.find(request);
      const isSafe = SAFE_METHODS.has(request.method);
      if (session === null) {
        if (isSafe || guard.asksForKeys) return guard.check(request, scope);
        throw refused(
          401,
          "unauthorized",
          "This changes state, which needs a session. Open the link that was printed at the start.",
          null,
        );
      }
      const { principal, csrf } = session;
      if (!mayUse(principal, scope)) throw forbidden(principal, scope);
      if (isSafe || isSame(request.get(CSRF_HEADER) ?? "", csrf)) return principal;
      throw refused(
        403,
        "csrf",
        `What changes state needs the header ${CSRF_HEADER} of this session; GET /v1/session has it. Reload the page.`,
        principal,
      );
    },
  };
}

function refused(status: number, kind: string, detail: string, sender: Principal | null): AccessRefused {
  const title = status === 401 ? "Unauthorized" : "Forbidden";
  return new AccessRefused({ type: `urn:plumbline:${kind}`, title, status, detail }, {}, sender);
}

function cookieOf(request: Request): string | null {
  for (const pair of (request.get("cookie") ?? "").split(";")) {
    const [name = "", value = ""] = pair.trim().split("=");
    if (name === SESSION_COOKIE && value !== "") return value;
  }
  return null;
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
