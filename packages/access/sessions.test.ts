import { request } from "node:http";
import { createHttpApp, createOpenGuard, listen, type Guard } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { Problem } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import { withIdentity } from "./identity.ts";
import { createKeyGuard } from "./key-guard.ts";
import { sessionRoutes } from "./session-routes.ts";
import { createSessions, SESSION_MS, withSessions } from "./sessions.ts";

const logger = createLogger("test", "silent");
const READER = {
  secret: "reader-key",
  tenant: "t",
  name: "ann",
  scopes: ["read"],
  isOperator: false,
} as const;

async function serving(guard: Guard, now?: () => number) {
  const sessions = createSessions(now);
  const app = createHttpApp({
    name: "test",
    logger,
    guard: withSessions(guard, sessions),
    routes: [
      ...sessionRoutes(sessions),
      { method: "GET", path: "/seen", access: "read", handle: (_q, response) => void response.json({}) },
      {
        method: "POST",
        path: "/changed",
        access: "read",
        handle: (_q, response, { name }) => void response.json({ name }),
      },
    ],
  });
  const listening = await listen(app, { port: 0, logger });
  onTestFinished(() => listening.close(0));
  return { url: listening.url, sessions };
}

/** The status of a GET with one header sent twice, which `fetch` would join. */
function statusOfTwo(url: string, header: string, values: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${url}/seen`, { headers: { [header]: [...values] } }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    })
      .once("error", reject)
      .end();
  });
}

const PRINCIPAL = {
  tenant: "t",
  name: "ann",
  scopes: new Set(["read"] as const),
  key_id: null,
  isOperator: false,
};

function cookieOf(response: Response): string {
  return response.headers.get("set-cookie")!.split(";")[0]!;
}

test("the link opens a session once; its cookie changes state with the header alone, and never from another site", async () => {
  const { url, sessions } = await serving(createOpenGuard());
  const link = `${url}/open?token=${sessions.issueLink(PRINCIPAL)}`;
  const opened = await fetch(link, { redirect: "manual" });
  expect(opened.status).toBe(303);
  expect(opened.headers.get("set-cookie")).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  expect((await fetch(link, { redirect: "manual" })).status).toBe(403);

  const cookie = cookieOf(opened);
  const post = (headers: Record<string, string>) => fetch(`${url}/changed`, { method: "POST", headers });
  const { csrf } = (await (await fetch(`${url}/v1/session`, { headers: { cookie } })).json()) as {
    csrf: string;
  };
  expect((await post({})).status).toBe(401);
  expect((await post({ "x-plumbline-csrf": csrf })).status).toBe(401);
  const bare = await post({ cookie });
  expect(bare.status).toBe(403);
  expect(Problem.parse(await bare.json()).detail).toMatch(/x-plumbline-csrf/);
  expect((await post({ cookie, "x-plumbline-csrf": `${csrf.slice(1)}x` })).status).toBe(403);
  expect(await (await post({ cookie, "x-plumbline-csrf": csrf })).json()).toEqual({ name: "ann" });
});

test("a session ends with its time, and when it is closed", async () => {
  let now = 0;
  const { url, sessions } = await serving(
    createKeyGuard({ clock: systemClock, staticKeys: [READER], directory: null }),
    () => now,
  );
  const signIn = () =>
    fetch(`${url}/v1/session`, { method: "POST", headers: { authorization: "Bearer reader-key" } });
  const seen = (cookie: string) => fetch(`${url}/seen`, { headers: { cookie } });
  const first = cookieOf(await signIn());
  expect((await seen(first)).status).toBe(200);
  now = SESSION_MS;
  expect((await seen(first)).status).toBe(401);

  const second = cookieOf(await signIn());
  const { csrf } = (await (await fetch(`${url}/v1/session`, { headers: { cookie: second } })).json()) as {
    csrf: string;
  };
  const closing = { method: "DELETE", headers: { cookie: second, "x-plumbline-csrf": csrf } };
  expect((await fetch(`${url}/v1/session`, closing)).status).toBe(204);
  expect((await seen(second)).status).toBe(401);
  expect(sessions.openByLink("guess")).toBeNull();
});

test("a proxy's header is believed from its address alone", async () => {
  const keys = createKeyGuard({ clock: systemClock, staticKeys: [READER], directory: null });
  const identity = (proxies: string) =>
    withIdentity(keys, {
      PLUMBLINE_IDENTITY_HEADER: "x-auth-email",
      PLUMBLINE_TRUSTED_PROXY: proxies,
      PLUMBLINE_IDENTITY_SCOPES: ["read"],
      PLUMBLINE_IDENTITY_TENANT: "t",
    });
  const trusted = await serving(identity("10.0.0.0/8, 127.0.0.1"));
  const foreign = await serving(identity("10.0.0.0/8"));
  const headers = { "x-auth-email": "ann@example.com" };
  expect((await fetch(`${trusted.url}/seen`, { headers })).status).toBe(200);
  expect((await fetch(`${foreign.url}/seen`, { headers })).status).toBe(401);
  expect((await fetch(`${trusted.url}/changed`, { method: "POST", headers })).status).toBe(403);
  const withHeader = { method: "POST", headers: { ...headers, "x-plumbline-csrf": "1" } };
  expect((await fetch(`${trusted.url}/changed`, withHeader)).status).toBe(200);
  // The proxy's, and one that the client sent before it.
  expect(await statusOfTwo(trusted.url, "x-auth-email", ["root@example.com", "ann@example.com"])).toBe(400);
  expect(() => identity("proxy.internal")).toThrow(/PLUMBLINE_TRUSTED_PROXY: "proxy.internal"/);
});

test("a link that is opened twice leads on where it has signed in, and tells everybody else what to do", async () => {
  const { url, sessions } = await serving(createOpenGuard());
  const link = `${url}/open?token=${sessions.issueLink(PRINCIPAL)}`;
  const cookie = cookieOf(await fetch(link, { redirect: "manual" }));
  const accept = "text/html,application/xhtml+xml,*/*;q=0.8";

  const again = await fetch(link, { redirect: "manual", headers: { cookie, accept } });
  expect([again.status, again.headers.get("location")]).toEqual([303, "/"]);

  const elsewhere = await fetch(link, { redirect: "manual", headers: { accept } });
  expect(elsewhere.status).toBe(403);
  expect(elsewhere.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const page = await elsewhere.text();
  expect(page).toContain("The link holds no more");
  expect(page).toContain('href="/"');
  expect(page).toContain("prints a new link");
  expect(page).not.toContain(new URL(link).searchParams.get("token"));
  // Whoever doesn't ask for a page gets the problem as before.
  expect(Problem.parse(await (await fetch(link)).json()).detail).toContain("Start again for a new one");
});
