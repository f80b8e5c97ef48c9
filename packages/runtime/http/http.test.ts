import { Agent, request as httpRequest, type Server } from "node:http";
import type { Socket } from "node:net";
import { Problem } from "@plumbline/schemas";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { ok, type Health } from "../health.ts";
import {
  createBodyReader,
  createHttpApp,
  createHttpService,
  createOpenGuard,
  HttpProblem,
  listen,
  type Route,
} from "./index.ts";
import type { PublicRoute } from "./route.ts";
import { createLogger, type Logger } from "../logger.ts";

const logger = createLogger("test", "silent");

async function serving(routes: Route[], health: Health = {}) {
  const listening = await listen(
    createHttpApp({ name: "test", logger, guard: createOpenGuard(), routes, health }),
    { port: 0, logger },
  );
  onTestFinished(async () => listening.close(0));
  return listening;
}

test.each([
  {
    name: "a problem",
    error: new HttpProblem({ type: "urn:x", title: "T", status: 409, detail: "d" }),
    status: 409,
  },
  {
    name: "a full log",
    error: Object.assign(new Error("x"), { code: "log_full", retryable: false }),
    status: 503,
  },
  {
    name: "a retryable fault",
    error: Object.assign(new Error("x"), { code: "store_retriable", retryable: true }),
    status: 503,
  },
  {
    name: "a record too large",
    error: Object.assign(new Error("x"), { code: "record_too_large" }),
    status: 413,
  },
  { name: "a bug", error: new TypeError("secret"), status: 500 },
])("$name thrown by a handler is answered $status as problem+json", async ({ error, status }) => {
  const { url } = await serving([
    {
      method: "GET",
      path: "/x",
      access: "public",
      handle: async () => {
        await Promise.resolve();
        throw error;
      },
    },
  ]);
  const response = await fetch(`${url}/x`);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  const problem = Problem.parse(await response.json());
  expect(problem.status).toBe(status);
  expect(problem.detail).not.toContain("secret");
});

test("a path that can't be decoded is the sender's error", async () => {
  const { url } = await serving([
    { method: "GET", path: "/:name", access: "public", handle: () => undefined },
  ]);
  expect((await fetch(`${url}/%E0%A4%A`)).status).toBe(400);
});

test("readiness names what is not ready, liveness does not ask", async () => {
  const { url } = await serving([], {
    readiness: {
      log: () => ok("the log takes calls"),
      store: async () => Promise.reject(new Error("no connection")),
      slow: async () => new Promise(() => undefined),
    },
  });
  for (const path of ["/livez", "/healthz"]) expect((await fetch(`${url}${path}`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz?verbose`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({
    status: "not_ready",
    failing: ["store", "slow"],
    checks: {
      log: { ok: true, message: "the log takes calls" },
      store: { ok: false, message: "no connection" },
      slow: { ok: false, message: "no answer in 900 ms" },
    },
  });
  // Without being asked for sentences it names what fails.
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
    status: "not_ready",
    failing: ["store", "slow"],
  });
});

test("an upload that its sender cuts off is one line with its outcome, and no error", async () => {
  const arrived = deferred();
  const lines: Record<string, unknown>[] = [];
  const noting = createNotingLogger(lines);
  const routes: Route[] = [
    {
      method: "POST",
      path: "/x",
      access: "public",
      handle: async (request, response) => {
        arrived.resolve();
        await createBodyReader({ bytesMax: 1_000_000 }).read(request, "");
        response.json({});
      },
    },
  ];
  const listening = await listen(
    createHttpApp({ name: "test", logger: noting, guard: createOpenGuard(), routes }),
    { port: 0, logger },
  );
  onTestFinished(async () => listening.close(0));
  const upload = httpRequest(`${listening.url}/x`, {
    method: "POST",
    headers: { "content-length": "1000" },
  });
  upload.on("error", () => undefined);
  upload.write("half");
  await arrived.promise;
  upload.destroy();
  await expect.poll(() => lines).toHaveLength(1);
  expect(lines).toMatchObject([
    { level: 30, msg: "test.request", outcome: "aborted", status: null, path: "/x" },
  ]);
});

test("a port in use is reported with the port and the setting that changes it", async () => {
  const { url } = await serving([]);
  const { port } = new URL(url);
  const service = createHttpService(
    createHttpApp({ name: "second", logger, guard: createOpenGuard(), routes: [] }),
    {
      name: "second",
      logger,
      port: Number(port),
      portSetting: "PLUMBLINE_X_PORT",
    },
  );
  await expect(service.run(new AbortController().signal)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(new RegExp(`port ${port} .*PLUMBLINE_X_PORT`)),
  });
  await expect(service.url).rejects.toThrow(/in use/);
});

test("a server that only answers about itself says at what paths, and another does not repeat them", async () => {
  const found = async (routes: Route[]): Promise<string> => {
    const { url } = await serving(routes);
    return Problem.parse(await (await fetch(`${url}/`)).json()).detail;
  };
  const handle: PublicRoute["handle"] = (_request, response) => void response.end();
  const metrics: Route = { method: "GET", path: "/metrics", access: "public", handle };
  expect(await found([metrics])).toBe(
    "There is nothing at this path. test answers GET /livez, GET /healthz, GET /readyz, GET /metrics.",
  );
  expect(await found([{ method: "POST", path: "/x", access: "public", handle }])).toBe(
    "There is nothing at this path. test answers POST /x.",
  );
});

test("closing lets a request in flight finish and drops idle connections at once", async () => {
  const arrived = deferred();
  const finish = deferred();
  const listening = await serving([
    {
      method: "GET",
      path: "/slow",
      access: "public",
      handle: async ({ socket }, response) => {
        // A kept connection ends with the server or not at all, so that nothing but closing ends it.
        (socket as Socket & { server: Server }).server.keepAliveTimeout = 0;
        arrived.resolve();
        await finish.promise;
        response.json({ done: true });
      },
    },
  ]);
  const agent = new Agent({ keepAlive: true });
  const answered = new Promise<number | undefined>((resolve) => {
    httpRequest(`${listening.url}/slow`, { agent }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    }).end();
  });
  await arrived.promise;

  // Never cut: a connection that is not closed holds the server until the test's own time limit.
  const closed = listening.close(2 ** 31 - 1);
  await expect(fetch(`${listening.url}/livez`)).rejects.toThrow();
  finish.resolve();

  expect(await answered).toBe(200);
  await closed;
});

test("closing cuts what does not finish in time", async () => {
  const arrived = deferred();
  const listening = await serving([
    {
      method: "GET",
      path: "/never",
      access: "public",
      handle: async () => {
        arrived.resolve();
        await new Promise(() => undefined);
      },
    },
  ]);
  const failed = expect(fetch(`${listening.url}/never`)).rejects.toThrow();
  await arrived.promise;
  await listening.close(20);
  await failed;
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function createNotingLogger(lines: Record<string, unknown>[]): Logger {
  return pino(
    { level: "info", base: null },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
}
