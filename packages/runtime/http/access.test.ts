import { PassThrough } from "node:stream";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { Scope } from "@plumbline/schemas";
import { AccessRefused, createHttpApp, createOpenGuard, HttpProblem, listen, type Guard } from "./index.ts";

const SENDER = { tenant: "t", name: "ann", key_id: "k1", isOperator: false } as const;

/** Lets whoever says so in, with the scopes that they name. */
const guard: Guard = {
  asksForKeys: true,
  async check(request, scope) {
    const scopes = new Set((request.get("x-scopes") ?? "").split(",") as Scope[]);
    if (scopes.has(scope)) return { ...SENDER, scopes };
    throw new AccessRefused({ type: "urn:x", title: "T", status: 403, detail: "d" }, {}, SENDER);
  },
};

async function serving() {
  const stream = new PassThrough();
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  let bytesRead = 0;
  const app = createHttpApp({
    name: "test",
    logger: pino({ level: "info" }, stream),
    guard,
    routes: [
      { method: "GET", path: "/read/:id", access: "read", handle: (_q, response) => void response.json({}) },
      {
        method: "POST",
        path: "/deploy/:id",
        access: "deploy",
        async handle(request, response) {
          for await (const chunk of request) bytesRead += (chunk as Buffer).length;
          if (request.params["id"] === "bad")
            throw new HttpProblem({ type: "urn:x", title: "T", status: 409, detail: "d" });
          response.json({});
        },
      },
    ],
  });
  const listening = await listen(app, { port: 0, logger: pino({ level: "silent" }) });
  onTestFinished(() => listening.close(0));
  const ask = async (method: string, path: string, scopes: string): Promise<number> => {
    const body = method === "POST" ? { body: "secret body" } : {};
    const response = await fetch(`${listening.url}${path}`, {
      method,
      headers: { "x-scopes": scopes },
      ...body,
    });
    await response.text();
    return response.status;
  };
  const audits = (): Record<string, unknown>[] =>
    text
      .split("\n")
      .filter((line) => line.includes('"msg":"audit"'))
      .map((line) => {
        const {
          level: _level,
          time: _time,
          pid: _pid,
          hostname: _host,
          msg: _msg,
          ...fields
        } = JSON.parse(line) as Record<string, unknown>;
        return fields;
      });
  return { ask, audits, bytesRead: () => bytesRead };
}

test("each refused and each deploying request leaves one audit line: who, which route, what came of it", async () => {
  const { ask, audits, bytesRead } = await serving();
  expect(await ask("GET", "/read/customer-4711", "read")).toBe(200);
  expect(await ask("GET", "/read/customer-4711", "ingest")).toBe(403);
  expect(await ask("POST", "/deploy/x", "read")).toBe(403);
  expect(bytesRead()).toBe(0);
  expect(await ask("POST", "/deploy/x", "deploy")).toBe(200);
  expect(await ask("POST", "/deploy/bad", "deploy")).toBe(409);
  const who = { actor: "ann", tenant: "t", key_id: "k1" };
  await expect.poll(audits).toEqual([
    { ...who, route: "GET /read/:id", scope: "read", outcome: "refused", status: 403 },
    { ...who, route: "POST /deploy/:id", scope: "deploy", outcome: "refused", status: 403 },
    { ...who, route: "POST /deploy/:id", scope: "deploy", outcome: "done", status: 200 },
    { ...who, route: "POST /deploy/:id", scope: "deploy", outcome: "refused", status: 409 },
  ]);
});

test("where no key is asked for, beyond loopback nothing listens, unless there is nothing to protect", async () => {
  const logger = pino({ level: "silent" });
  const route = { method: "GET", path: "/x", handle: () => undefined } as const;
  const open = (access: "public" | "read") =>
    listen(createHttpApp({ name: "t", logger, guard: createOpenGuard(), routes: [{ ...route, access }] }), {
      port: 0,
      host: "0.0.0.0",
      logger,
    });
  await expect(open("read")).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(/PLUMBLINE_ADMIN_KEY/),
  });
  await (await open("public")).close(0);
});
