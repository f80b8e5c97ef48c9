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
        if (secret === null) {
          // A link that is opened again where it has signed in already leads where it led.
          if (sessions.find(request) !== null) return response.redirect(303, "/");
          if (request.accepts(["json", "html"]) !== "html") throw usedLink();
          response.status(403).setHeader("cache-control", "no-store").type("html").send(USED_LINK_PAGE);
          return;
        }
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

const USED_LINK = "A link opens one session, once, and this one was opened or never issued.";

/** For the browser in which it was opened. */
const USED_LINK_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Plumbline: the link holds no more</title>
<h1>The link holds no more</h1>
<p>${USED_LINK}</p>
<p>Signed in before, in this browser? <a href="/">Open the page</a>.</p>
<p>Otherwise start Plumbline again: it prints a new link. Somebody with an API key signs in with
<code>POST /v1/session</code>.</p>
</html>
`;

function usedLink(): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:link-used",
    title: "The link holds no more",
    status: 403,
    detail: `${USED_LINK} Start again for a new one, or sign in with a key: POST /v1/session.`,
  });
}
