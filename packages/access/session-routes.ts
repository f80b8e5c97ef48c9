/** Opening, looking at and closing a session, for a server with pages. */
import { HttpProblem, type Request, type Response, type Route } from "@plumbline/runtime/http";
import { SESSION_COOKIE, SESSION_MS, type Sessions } from "./sessions.ts";

/** Where the one-time link leads: `<url>/open?token=<token>`. */
export const OPEN_PATH = "/open";

export function sessionRoutes(sessions: Sessions): readonly Route[] {
  return [
    {
      method: "GET",
      path: OPEN_PATH,
      access: "public",
      handle(request, response) {
        const token = request.query["token"];
        const secret = typeof token === "string" ? sessions.openByLink(token) : null;
        if (secret === null) throw usedLink();
        setCookie(request, response, secret, SESSION_MS);
        response.setHeader("cache-control", "no-store").setHeader("referrer-policy", "no-referrer");
        response.redirect(303, "/");
      },
    },
    {
      method: "POST",
      path: "/v1/session",
      access: "read",
      handle(request, response, sender) {
        setCookie(request, response, sessions.open(sender), SESSION_MS);
        response.setHeader("cache-control", "no-store").status(204).end();
      },
    },
    {
      method: "GET",
      path: "/v1/session",
      access: "read",
      handle(request, response, { name, tenant }) {
        const csrf = sessions.find(request)?.csrf ?? null;
        response.setHeader("cache-control", "no-store").json({ name, tenant, csrf });
      },
    },
    {
      method: "DELETE",
      path: "/v1/session",
      access: "read",
      handle(request, response) {
        sessions.close(request);
        setCookie(request, response, "", 0);
        response.status(204).end();
      },
    },
  ];
}

function setCookie(request: Request, response: Response, secret: string, lifeMs: number): void {
  const secure = request.secure ? "; Secure" : "";
  response.setHeader(
    "set-cookie",
    `${SESSION_COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${lifeMs / 1000}${secure}`,
  );
}

function usedLink(): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:link-used",
    title: "The link holds no more",
    status: 403,
    detail:
      "A link opens one session, once, and this one was opened or never issued. Start again for a new one, or sign in with a key: POST /v1/session.",
  });
}
