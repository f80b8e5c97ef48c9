/** What `listen` promises for every server: one request ends nothing but itself, and foreign pages get nothing. */
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createLogger } from "../logger.ts";
import { AllowedHosts } from "../process/process-config.ts";
import { allowHosts } from "./allowed-hosts.ts";
import { createHttpApp, createOpenGuard, listen, type HttpApp } from "./index.ts";

const logger = createLogger("test", "silent");

async function serving(app: HttpApp, host = "127.0.0.1"): Promise<string> {
  const listening = await listen(app, { port: 0, host, logger });
  onTestFinished(async () => listening.close(0));
  return listening.url;
}

const page = (): HttpApp =>
  createHttpApp({
    name: "test",
    logger,
    guard: createOpenGuard(),
    routes: [
      {
        method: "GET",
        path: "/",
        access: "public",
        isPage: true,
        handle: (_request, response) => void response.end("page"),
      },
      {
        method: "GET",
        path: "/runbooks/:name",
        access: "public",
        isPage: true,
        handle: (_request, response) => void response.end("page"),
      },
      {
        method: "GET",
        path: "/data",
        access: "public",
        handle: (_request, response) => void response.json({ a: 1 }),
      },
      {
        method: "POST",
        path: "/data",
        access: "public",
        handle: (_request, response) => void response.json({ a: 2 }),
      },
    ],
  });

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

function ask(url: string, headers: Record<string, string>, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers, method }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    })
      .on("error", reject)
      .end();
  });
}

/** Sends bytes as they are and returns all that comes back. */
function send(url: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (answer += chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

test.each([
  [
    "throws",
    () => {
      throw new Error("secret");
    },
  ],
  ["rejects", () => Promise.reject(new Error("secret"))],
])("an app that %s ends its own request with 500, and no other", async (_how, handle) => {
  const url = await serving({ handle });
  for (let i = 0; i < 3; i++) {
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
  }
});

test.each([
  ["a double slash", "GET // HTTP/1.1\r\nHost: localhost\r\n\r\n", 200],
  ["an absolute form", "GET http://localhost/data HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["an asterisk", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["bad percent-encoding", "GET /runbooks/%E0%A4%A HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["no host", "GET /data HTTP/1.1\r\n\r\n", 403],
  ["a bomb of headers", `GET /data HTTP/1.1\r\nHost: localhost\r\nx: ${"y".repeat(40_000)}\r\n\r\n`, 431],
  ["garbage", "\x00\x01\x02\r\n\r\n", 400],
  ["an expectation", "POST /data HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n", 417],
  [
    "an upgrade",
    "GET /data HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    200,
  ],
  ["two hosts", "GET /data HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400],
  [
    "two origins",
    "GET /data HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\norigin: http://evil.example\r\n\r\n",
    400,
  ],
  [
    "two keys",
    "GET /data HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    400,
  ],
  [
    "two lengths",
    "POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    400,
  ],
])(
  "%s is answered with the headers of every answer, and the server goes on",
  async (_name, bytes, status) => {
    const url = await serving(page());
    const answer = await send(url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.toLowerCase()).toContain("x-content-type-options: nosniff");
    expect(answer.toLowerCase()).toContain("cross-origin-resource-policy: same-origin");
    expect((await fetch(`${url}/data`)).status).toBe(200);
  },
);

test.each([
  ["CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["garbage behind a request", "GET /data HTTP/1.1\r\nHost: localhost\r\n\r\n\x00\x00\x00\x00"],
  ["a request cut in its headers", "GET /data HTTP/1.1\r\nHos"],
  ["a body cut short", "POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"],
])("%s leaves the server serving", async (_name, bytes) => {
  const url = await serving(page());
  await send(url, bytes);
  expect((await fetch(`${url}/data`)).status).toBe(200);
});

test.each(["attacker.example", "127.0.0.1.nip.io", "localhost.attacker.example:4319", "0.0.0.0", "[::2]"])(
  "bound to loopback, the host %s is refused on every route, health included",
  async (host) => {
    const url = await serving(page());
    for (const path of ["/", "/data", "/livez", "/readyz", "/nothing"]) {
      expect((await ask(`${url}${path}`, { host })).status).toBe(403);
    }
  },
);

test.each(["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:4319"])(
  "the host %s is answered",
  async (host) => {
    const url = await serving(page());
    expect((await ask(`${url}/data`, { host })).status).toBe(200);
  },
);

test("bound beyond loopback, any host is answered", async () => {
  const url = await serving({ ...page(), asksForKeys: true }, "0.0.0.0");
  const local = url.replace("0.0.0.0", "127.0.0.1");
  expect((await ask(`${local}/data`, { host: "plumbline.example" })).status).toBe(200);
});

const NAVIGATION = {
  "sec-fetch-site": "cross-site",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
};

test.each([
  { name: "another site's script", path: "/data", headers: { "sec-fetch-site": "cross-site" }, status: 403 },
  { name: "a sibling site", path: "/data", headers: { "sec-fetch-site": "same-site" }, status: 403 },
  { name: "a value unknown today", path: "/data", headers: { "sec-fetch-site": "x" }, status: 403 },
  { name: "our own page", path: "/data", headers: { "sec-fetch-site": "same-origin" }, status: 200 },
  { name: "the address bar", path: "/data", headers: { "sec-fetch-site": "none" }, status: 200 },
  { name: "a link to a page", path: "/?x=1", headers: NAVIGATION, status: 200 },
  { name: "a link to a page with a name", path: "/runbooks/a.md", headers: NAVIGATION, status: 200 },
  { name: "a link to data", path: "/data", headers: NAVIGATION, status: 403 },
  {
    name: "a page in a frame",
    path: "/",
    headers: { ...NAVIGATION, "sec-fetch-dest": "iframe" },
    status: 403,
  },
  { name: "a foreign origin", path: "/data", headers: { origin: "https://a.example" }, status: 403 },
  { name: "no origin at all", path: "/data", headers: { origin: "null" }, status: 403 },
])("$name gets $status", async ({ path, headers, status }) => {
  const url = await serving(page());
  expect((await ask(`${url}${path}`, headers)).status).toBe(status);
});

test("a form of another site posts nothing, and our own page may", async () => {
  const url = await serving(page());
  expect((await ask(`${url}/data`, NAVIGATION, "POST")).status).toBe(403);
  expect((await ask(`${url}/`, NAVIGATION, "POST")).status).toBe(403);
  expect((await ask(`${url}/data`, { origin: url }, "POST")).status).toBe(200);
});

test("a name that a proxy or a container uses is refused with the variable that opens it, and answered once it is listed", async () => {
  onTestFinished(() => allowHosts([]));
  const url = await serving(page());
  const host = "plumbline.example.com";
  const { status, text } = await ask(`${url}/data`, { host });
  expect(status).toBe(403);
  expect(text).toContain("PLUMBLINE_ALLOWED_HOSTS");
  const origin = await ask(`${url}/data`, { origin: `https://${host}` }, "POST");
  expect(origin.text).toContain("PLUMBLINE_ALLOWED_HOSTS");

  allowHosts(AllowedHosts.parse(` Plumbline.example.com, host.docker.internal:4319 `));
  const statusOf = async (headers: Record<string, string>): Promise<number | undefined> =>
    (await ask(`${url}/data`, headers, "POST")).status;
  expect(await statusOf({ host })).toBe(200);
  expect(await statusOf({ host: `${host}:8443`, origin: `https://${host}:8443` })).toBe(200);
  // A proxy that names us by our own address: the page's origin is the listed one.
  expect(await statusOf({ origin: `https://${host}` })).toBe(200);
  expect(await statusOf({ origin: `https://${host}:9999` })).toBe(403);
  expect(await statusOf({ host: "host.docker.internal:4319" })).toBe(200);
  expect(await statusOf({ host: "host.docker.internal:4320" })).toBe(403);
  expect(await statusOf({ host: `evil.${host}` })).toBe(403);
  expect(await statusOf({ host: `${host}.evil.example` })).toBe(403);
});

test.each(["*", "https://a.example", "a.example/path", "*.example.com", "a b"])(
  "%s is no name of a host",
  (list) => {
    expect(AllowedHosts.safeParse(list).success).toBe(false);
  },
);
