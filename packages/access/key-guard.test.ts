import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Clock } from "@plumbline/ports";
import { createHttpApp, listen } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { Problem, type KeyEvent, type Scope } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import { createKeyDirectory } from "./key-directory.ts";
import { createKeyGuard } from "./key-guard.ts";
import { RateLimit } from "./rate-limit.ts";
import { createKey, isSecretOf, keyIdOf } from "./secret.ts";

const logger = createLogger("test", "silent");

async function serving(clock: Clock = systemClock, rateLimit?: RateLimit) {
  const log = createMemoryEventLog({ clock, partitions: 1 });
  const directory = createKeyDirectory({ log, clock, logger, service: "test", needsKey: false });
  await directory.catchUp();
  const guard = createKeyGuard({ clock, staticKeys: [], directory, ...(rateLimit && { rateLimit }) });
  const app = createHttpApp({
    name: "test",
    logger,
    guard,
    routes: [
      {
        method: "GET",
        path: "/read",
        access: "read",
        handle: (_request, response, { name, tenant }) => void response.json({ name, tenant }),
      },
    ],
  });
  const listening = await listen(app, { port: 0, logger });
  const { url } = listening;
  onTestFinished(() => listening.close(0));
  async function make(scopes: Scope[], more: Partial<KeyEvent & { type: "created" }> = {}) {
    const { secret, ...key } = await createKey();
    await directory.record({
      ...key,
      type: "created",
      tenant: "team-a",
      name: "ann",
      scopes,
      expires_at: null,
      replaces: null,
      at: "2026-01-01T00:00:00.000Z",
      actor: "admin",
      ...more,
    });
    return { secret, key_id: key.key_id };
  }
  const get = (secret: string) =>
    fetch(`${url}/read`, { headers: secret === "" ? {} : { authorization: `Bearer ${secret}` } });
  return { make, get, directory, log };
}

test("a key is its prefix and its secret; what is stored proves one secret and shows none", async () => {
  const key = await createKey();
  expect(keyIdOf(key.secret)).toBe(key.key_id);
  expect(await isSecretOf(key.secret, key)).toBe(true);
  expect(await isSecretOf(`${key.secret.slice(0, -1)}!`, key)).toBe(false);
  expect(JSON.stringify({ ...key, secret: "" })).not.toContain(key.secret.slice(16));
});

test("a key opens what its scopes say, names its holder and tenant, and admin implies the rest", async () => {
  const { make, get } = await serving();
  const reader = await make(["read"]);
  const admin = await make(["admin"], { name: "root" });
  const ingest = await make(["ingest"]);
  expect(await (await get(reader.secret)).json()).toEqual({ name: "ann", tenant: "team-a" });
  expect(await (await get(admin.secret)).json()).toMatchObject({ name: "root" });
  const refused = await get(ingest.secret);
  expect(refused.status).toBe(403);
  expect(Problem.parse(await refused.json()).detail).toMatch(/needs scope read.*has ingest/);
});

test("no key, an unknown one, and a right prefix with a wrong secret are refused alike, before any handler", async () => {
  const { make, get } = await serving();
  const { secret } = await make(["read"]);
  const other = await createKey();
  const forged = `${secret.slice(0, 15)}${other.secret.slice(15)}`;
  expect(keyIdOf(forged)).toBe(keyIdOf(secret));
  for (const sent of ["", "nonsense", other.secret, forged]) {
    const answer = await get(sent);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(Problem.parse(await answer.json()).detail).toMatch(/needs a key with scope read/);
  }
});

test("an expired and a revoked key are refused from their moment on, also when they were just used", async () => {
  const clock = new VirtualClock(Date.parse("2026-02-01T00:00:00Z"));
  const { make, get, directory } = await serving(clock);
  const expiring = await make(["read"], { expires_at: "2026-02-01T01:00:00.000Z" });
  const revoked = await make(["read"]);
  expect((await get(expiring.secret)).status).toBe(200);
  expect((await get(revoked.secret)).status).toBe(200);
  await directory.record({
    type: "revoked",
    key_id: revoked.key_id,
    stops_at: "2026-02-01T00:00:00.000Z",
    at: "2026-02-01T00:00:00.000Z",
    actor: "root",
  });
  expect(Problem.parse(await (await get(revoked.secret)).json()).detail).toMatch(/was revoked on 2026-02-01/);
  await clock.advance(3_600_000);
  const answer = await get(expiring.secret);
  expect(answer.status).toBe(401);
  expect(Problem.parse(await answer.json()).detail).toMatch(/expired on 2026-02-01T01/);
});

test("nobody takes a key over by writing its prefix again", async () => {
  const { make, get, directory } = await serving();
  const { secret, key_id } = await make(["read"]);
  const { secret: stolen, ...mine } = await createKey();
  await directory.record({
    ...mine,
    type: "created",
    key_id,
    tenant: "evil",
    name: "eve",
    scopes: ["admin"],
    expires_at: null,
    replaces: null,
    at: "2026-01-01T00:00:00.000Z",
    actor: "eve",
  });
  expect(await (await get(secret)).json()).toMatchObject({ name: "ann" });
  expect((await get(stolen)).status).toBe(401);
});

test("a key over its rate is told when to come back, and others go on", async () => {
  const rate = { requests_per_second: 1, requests_burst: 2, bytes_per_second: 10, bytes_burst: 10 };
  const clock = new VirtualClock(Date.parse("2026-02-01T00:00:00Z"));
  const limit = new RateLimit({ ingest: rate, read: rate, respond: rate, deploy: rate, admin: rate });
  const { make, get } = await serving(clock, limit);
  const [busy, calm] = [await make(["read"]), await make(["read"])];
  const answers = [await get(busy.secret), await get(busy.secret), await get(busy.secret)];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(answers[2]!.headers.get("retry-after")).toBe("1");
  expect((await get(calm.secret)).status).toBe(200);
  await clock.advance(1_000);
  expect((await get(busy.secret)).status).toBe(200);
});

test("bytes are limited too, and a body over the whole bucket passes once the bucket is full", () => {
  const rate = { requests_per_second: 100, requests_burst: 100, bytes_per_second: 10, bytes_burst: 100 };
  const limit = new RateLimit({ ingest: rate, read: rate, respond: rate, deploy: rate, admin: rate });
  expect(limit.take("a", "ingest", 1_000, 0)).toBe(0);
  expect(limit.take("a", "ingest", 1, 0)).toBeGreaterThan(0);
  expect(limit.take("b", "ingest", 1, 0)).toBe(0);
});

test("the last use is noted once a day, on the log and not in the request", async () => {
  const clock = new VirtualClock(Date.parse("2026-02-01T10:00:00Z"));
  const { make, get, directory, log } = await serving(clock);
  const { secret, key_id } = await make(["read"]);
  await get(secret);
  await get(secret);
  await directory.catchUp();
  expect(directory.book.get(key_id)?.last_used_on).toBe("2026-02-01");
  expect(await log.read("plumbline.keys", 0, 0, { recordsMax: 100 })).toHaveLength(2);
});

test("where keys are asked for and there is none, the process says what to do and ends with 3", async () => {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const directory = createKeyDirectory({ log, clock: systemClock, logger, service: "collector" });
  await expect(directory.run(new AbortController().signal)).rejects.toMatchObject({
    code: "config",
    message: expect.stringMatching(/PLUMBLINE_ADMIN_KEY.*plumbline keys create/),
  });
});
