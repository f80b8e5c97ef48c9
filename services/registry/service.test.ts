import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyGuard } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { canonicalJson, contentHash } from "@plumbline/prompts";
import { type Clock, LogError, type EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import {
  CommandAccepted,
  EVAL_CASES_MAX,
  EvalCasesBody,
  type EvalRecord,
  EvalRecordedBody,
  LiveAnswer,
  Problem,
  RegistryEvent,
} from "@plumbline/schemas";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  documentOf,
  race,
  recordOf,
  SETTINGS,
  toNewRecord,
  USE_CASE,
  versionOf,
} from "../../test/registry/commands.ts";
import { createRegistry, type Registry, type RegistryOptions } from "./service.ts";
import { createSnapshotFile } from "./snapshot.ts";
import { findUseCase, stateToJson } from "@plumbline/registry-fold/state";

const logger = createLogger("test", "silent");
interface Started {
  readonly registry: Registry;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

async function start(log: RegistryOptions["log"], more: Partial<RegistryOptions> = {}): Promise<Started> {
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 20, ...more });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  running.catch(() => undefined);
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    abort.abort();
    stopped ??= running;
    return stopped;
  };
  onTestFinished(() => stop().catch(() => undefined));
  return { registry, url: await registry.url, stop };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function post(
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}/v1/use-cases/${USE_CASE}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "ann", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

async function get(url: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${url}/v1/${path}`, { headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** The set of the tests was extended lately, whenever they run. */
const FRESH_SETTINGS = {
  ...SETTINGS,
  eval_set: { ...SETTINGS.eval_set!, newest_added: new Date().toISOString().slice(0, 10) },
};
const BOB = { "x-plumbline-actor": "bob" };
const live = (url: string, query = "", headers: Record<string, string> = {}): Promise<Answer> =>
  get(url, `live?use_cases=${USE_CASE}${query}`, headers);

function registration(text: string): unknown {
  return {
    prompt_version: versionOf(text),
    document: documentOf(text),
    author: "ann",
    settings: FRESH_SETTINGS,
  };
}

function record(text: string, incumbent: string | null, failing = 0): unknown {
  return {
    record: {
      ...recordOf(text, incumbent, failing),
      finished_at: new Date(Date.now() - 60_000).toISOString(),
    },
  };
}

/** Over HTTP, as the command line does it. */
async function admit(url: string, text: string, incumbent: string | null): Promise<void> {
  expect((await post(url, "versions", registration(text))).status).toBe(201);
  const evaluated = await post(url, "evals", record(text, incumbent));
  expect([evaluated.status, evaluated.body["decision"]]).toMatchObject([201, { passed: true, failures: [] }]);
  expect((await post(url, "approvals", { prompt_version: versionOf(text) }, BOB)).status).toBe(201);
}

async function withTwoVersions(url: string): Promise<void> {
  await admit(url, "one", null);
  expect((await post(url, "promote", { prompt_version: "v1", expected_revision: 0 })).status).toBe(200);
  await admit(url, "two", "one");
  expect((await post(url, "promote", { prompt_version: "v2", expected_revision: 1 })).status).toBe(200);
}

function memoryLog(): EventLog {
  return createMemoryEventLog({ clock: systemClock });
}

/** A log that can be cut off, as when Kafka dies. */
function breakable(log: EventLog): { log: EventLog; readonly cut: (isCut: boolean) => void } {
  let isAway = false;
  const check = (): void => {
    if (isAway) throw new LogError("log_unavailable", "away", { retryable: true });
  };
  return {
    cut: (isCut) => {
      isAway = isCut;
    },
    log: {
      ...log,
      append: async (topic, records) => {
        check();
        return log.append(topic, records);
      },
      read: async (topic, partition, from, limits) => {
        check();
        return log.read(topic, partition, from, limits);
      },
      watermarks: async (topic) => {
        check();
        return log.watermarks(topic);
      },
    },
  };
}

describe("commands over HTTP", () => {
  test("a prompt goes from push to production and back", async () => {
    const { url } = await start(memoryLog());
    await withTwoVersions(url);
    const answer = LiveAnswer.parse((await live(url)).body);
    expect(answer.use_cases[USE_CASE]).toEqual({
      revision: 2,
      live: [{ prompt_version: versionOf("two"), number: 2, weight: 1, document: documentOf("two") }],
      policy: null,
    });
    const back = await post(url, "rollback", { reason: "loses amounts" });
    expect(CommandAccepted.parse(back.body)).toMatchObject({
      prompt_version: versionOf("two"),
      changed: true,
      revision: 3,
      live: [{ number: 1, weight: 1 }],
    });
    expect(LiveAnswer.parse((await live(url)).body).use_cases[USE_CASE]?.live).toMatchObject([{ number: 1 }]);
    const status = await get(url, `use-cases/${USE_CASE}`);
    expect(status.body).toMatchObject({
      envs: { production: { revision: 3, live: [{ number: 1 }] } },
      versions: [
        { number: 2, quarantined: { reason: "loses amounts" } },
        { number: 1, quarantined: null },
      ],
    });
    const history = await get(url, `use-cases/${USE_CASE}/history?limit=2`);
    expect(history.body).toMatchObject({
      entries: [
        { type: "rolled_back", actor: "ann", reason: "loses amounts", live: [{ number: 1 }] },
        { type: "promoted", number: 2 },
      ],
    });
    const older = await get(
      url,
      `use-cases/${USE_CASE}/history?before=${String(history.body["next_before"])}`,
    );
    expect((older.body["entries"] as unknown[]).length).toBe(7);
  });

  test("a refusal names every reason and what to do, and is kept in the history", async () => {
    const { url } = await start(memoryLog());
    await post(url, "versions", registration("one"));
    const refused = await post(url, "promote", { prompt_version: "v1", expected_revision: 0 });
    expect(refused.status).toBe(422);
    expect(Problem.parse(refused.body)).toMatchObject({
      type: "urn:plumbline:gate-refused",
      errors: [{ field: "eval_missing" }, { field: "approval_missing" }],
    });
    const history = await get(url, `use-cases/${USE_CASE}/history`);
    expect(history.body).toMatchObject({
      entries: [{ type: "promoted", outcome: { kind: "rejected", code: "gate_refused" } }, {}],
    });
  });

  test("an evaluation of ten thousand cases is recorded, in as many records of the log as it needs", async () => {
    const log = createMemoryEventLog({ clock: systemClock });
    const { url, registry } = await start(log);
    await admit(url, "one", null);
    await post(url, "promote", { env: "production", prompt_version: versionOf("one"), expected_revision: 0 });
    await post(url, "versions", registration("two"));
    const slices = ["mentions_money", "lang=en", "tier=enterprise"];
    const cases = Array.from({ length: EVAL_CASES_MAX }, (_, i) => ({
      case_id: `ticket-2026-11-${String(i).padStart(8, "0")}`,
      score: i % 2 === 0 ? 1 : 0.123456789,
      passes: true,
      slices,
      cost_usd: 0.00123,
      latency_ms: 712.5,
    }));
    const sent = record("two", "one") as { record: EvalRecord };
    sent.record.candidate.cases = cases;
    sent.record.incumbent!.cases = cases;
    const first = await post(url, "evals", sent, { "idempotency-key": "large" });
    expect([first.status, first.body["decision"]]).toMatchObject([201, { passed: true }]);
    // A repetition after a lost answer is the same command.
    expect((await post(url, "evals", sent, { "idempotency-key": "large" })).body["offset"]).toBe(
      first.body["offset"],
    );

    const events = (await log.read("plumbline.registry", 0, 0, {})).map(({ value }) =>
      RegistryEvent.parse(JSON.parse(Buffer.from(value).toString())),
    );
    const own = EvalRecordedBody.parse(events.at(-1)!.body);
    const parts = events.filter(({ type }) => type === "eval_cases");
    expect(parts).toHaveLength(own.parts);
    const bodies = parts.map(({ body }) => EvalCasesBody.parse(body));
    expect([...own.record.candidate.cases, ...bodies.flatMap(({ candidate }) => candidate)]).toEqual(cases);
    expect([...own.record.incumbent!.cases, ...bodies.flatMap(({ incumbent }) => incumbent)]).toEqual(cases);
    const version = findUseCase(registry.state(), "default", USE_CASE)!.versions.get(versionOf("two"))!;
    expect(version).toMatchObject({ eval_count: 1 });
  });

  test("an evaluation that shows a fall is recorded as failed, with the numbers", async () => {
    const { url } = await start(memoryLog());
    await admit(url, "one", null);
    await post(url, "promote", { prompt_version: "v1", expected_revision: 0 });
    await post(url, "versions", registration("two"));
    const worse = await post(url, "evals", record("two", "one", 15), { "idempotency-key": "run 1" });
    expect(worse.body["decision"]).toMatchObject({ passed: false, failures: [{ code: "worse" }] });
    expect((await post(url, "evals", record("two", "one", 15), { "idempotency-key": "run 1" })).status).toBe(
      422,
    );
    await post(url, "approvals", { prompt_version: "v2" }, BOB);
    const refused = await post(url, "promote", { prompt_version: "v2", expected_revision: 1 });
    expect(Problem.parse(refused.body).errors).toMatchObject([{ field: "eval_failed" }, { field: "worse" }]);
  });

  test.each<{
    name: string;
    path: string;
    body: unknown;
    headers?: Record<string, string>;
    status: number;
    type: string;
  }>([
    {
      name: "a promotion without an expectation",
      path: "promote",
      body: { prompt_version: "v2" },
      status: 428,
      type: "expectation-missing",
    },
    {
      name: "a stale expected_revision",
      path: "promote",
      body: { prompt_version: "v1", expected_revision: 1 },
      status: 409,
      type: "stale-revision",
    },
    {
      name: "a stale If-Match",
      path: "promote",
      body: { prompt_version: "v1" },
      headers: { "if-match": '"1"' },
      status: 412,
      type: "stale-revision",
    },
    {
      name: "a rollback of what somebody changed since",
      path: "rollback",
      body: { reason: "bad", expected_revision: 1 },
      status: 409,
      type: "stale-revision",
    },
    { name: "a rollback without a reason", path: "rollback", body: {}, status: 400, type: "bad-request" },
    {
      name: "an unknown version",
      path: "promote",
      body: { prompt_version: "v9", expected_revision: 2 },
      status: 404,
      type: "version-unknown",
    },
    {
      name: "another hash",
      path: "versions",
      body: { ...(registration("three") as object), prompt_version: versionOf("one") },
      status: 422,
      type: "hash-mismatch",
    },
    {
      name: "an approval by the author",
      path: "approvals",
      body: { prompt_version: "v2" },
      status: 403,
      type: "approval-by-author",
    },
    {
      name: "a misspelt field",
      path: "promote",
      body: { prompt_version: "v2", expected_revision: 2, wieght: 0.1 },
      status: 400,
      type: "bad-request",
    },
    { name: "no JSON", path: "promote", body: "{", status: 400, type: "bad-request" },
    {
      name: "another content type",
      path: "promote",
      body: "{}",
      headers: { "content-type": "text/plain" },
      status: 415,
      type: "unsupported-media-type",
    },
    {
      name: "a body nested without end",
      path: "promote",
      body: "[".repeat(100_000),
      status: 400,
      type: "bad-request",
    },
  ])("$name is answered with $status $type", async ({ path, body, headers, status, type }) => {
    const { url } = await start(memoryLog());
    await withTwoVersions(url);
    const answer = await post(url, path, body, headers);
    expect([answer.status, answer.body["type"]]).toEqual([status, `urn:plumbline:${type}`]);
    expect(LiveAnswer.parse((await live(url)).body).use_cases[USE_CASE]?.live).toMatchObject([{ number: 2 }]);
  });

  test("the same Idempotency-Key is one command, and a pushed version is pushed once", async () => {
    const log = memoryLog();
    const { url } = await start(log);
    await withTwoVersions(url);
    const first = await post(url, "rollback", { reason: "bad" }, { "idempotency-key": "k1" });
    const again = await post(url, "rollback", { reason: "bad" }, { "idempotency-key": "k1" });
    expect(again.body).toEqual(first.body);
    const other = await post(url, "rollback", { reason: "worse" }, { "idempotency-key": "k1" });
    expect([other.status, other.body["type"]]).toEqual([422, "urn:plumbline:idempotency-key-reused"]);
    const [before] = await log.watermarks("plumbline.registry");
    const pushed = await post(url, "versions", registration("one"));
    expect([pushed.status, pushed.body["changed"]]).toEqual([200, false]);
    expect((await log.watermarks("plumbline.registry"))[0]).toEqual(before);
  });

  test("versions are named by number, short form, digits or hash", async () => {
    const { url } = await start(memoryLog());
    await withTwoVersions(url);
    const hash = versionOf("two");
    const hex = hash.slice(7, 19);
    for (const reference of ["v2", `${USE_CASE}@${hex}`, hex, hash]) {
      const { body } = await get(url, `use-cases/${USE_CASE}/versions/${encodeURIComponent(reference)}`);
      expect(body).toMatchObject({ number: 2, document: documentOf("two"), short: `${USE_CASE}@${hex}` });
    }
  });

  test("a policy is delivered with its prompt", async () => {
    const { url } = await start(memoryLog());
    await withTwoVersions(url);
    const policy = { use_case: USE_CASE, deadline_ms: 5000 };
    const body = { policy, policy_hash: contentHash(policy), expected_revision: 2 };
    expect((await post(url, "policies", body)).status).toBe(200);
    expect(LiveAnswer.parse((await live(url)).body).use_cases[USE_CASE]?.policy).toEqual({
      policy_hash: contentHash(policy),
      document: policy,
    });
  });

  test("keys name the actor, and some only read", async () => {
    const key = { tenant: "default", isOperator: false };
    const guard = createKeyGuard({
      clock: systemClock,
      directory: null,
      staticKeys: [
        { ...key, secret: "k-ann", name: "ann", scopes: ["read", "deploy"] },
        { ...key, secret: "k-app", name: "app", scopes: ["read"] },
      ],
    });
    const { url } = await start(memoryLog(), { guard });
    const as = (key: string): Record<string, string> => ({
      authorization: `Bearer ${key}`,
      "x-plumbline-actor": "eve",
    });
    expect((await post(url, "versions", registration("one"))).status).toBe(401);
    expect((await post(url, "versions", registration("one"), as("k-app"))).status).toBe(403);
    expect((await post(url, "versions", registration("one"), as("k-ann"))).status).toBe(201);
    expect((await live(url, "", as("k-app"))).status).toBe(200);
    const history = await get(url, `use-cases/${USE_CASE}/history`, as("k-app"));
    expect(history.body).toMatchObject({ entries: [{ actor: "ann" }] });
    const open = createRegistry({ log: memoryLog(), clock: systemClock, logger, port: 0, host: "0.0.0.0" });
    await expect(open.run(new AbortController().signal)).rejects.toMatchObject({ exitCode: 3 });
  });
});

test("a rollback right after a promotion at another replica knows of it", async () => {
  const log = memoryLog();
  const [first, second] = [await start(log), await start(log, { followMs: 60_000 })];
  await withTwoVersions(first.url);
  expect((await live(second.url)).body["revision"]).toBe(0);
  expect((await post(second.url, "rollback", { reason: "bad" })).body).toMatchObject({
    revision: 3,
    live: [{ number: 1 }],
  });
});

describe("live delivery", () => {
  test("a waiting client hears of a change at once, an unchanged one gets 304", async () => {
    const { url, registry } = await start(memoryLog());
    await withTwoVersions(url);
    const first = await live(url);
    const etag = first.headers.get("etag")!;
    expect((await live(url, "", { "if-none-match": etag })).status).toBe(304);
    expect((await live(url, "&wait=0.05", { "if-none-match": etag })).status).toBe(304);

    const waiting = Promise.all(
      Array.from({ length: 50 }, () => live(url, "&wait=30", { "if-none-match": etag })),
    );
    const since = live(url, `&wait=30&since=${String(first.body["revision"])}`);
    await expect.poll(() => registry.waiting()).toBe(51);
    await post(url, "rollback", { reason: "bad" });
    for (const answer of [...(await waiting), await since]) {
      expect(answer.status).toBe(200);
      expect(LiveAnswer.parse(answer.body).use_cases[USE_CASE]?.live).toMatchObject([{ number: 1 }]);
    }
    expect(registry.waiting()).toBe(0);
  });

  test("a change of another use case or env wakes nobody", async () => {
    const { url, registry } = await start(memoryLog());
    await withTwoVersions(url);
    const etag = (await live(url)).headers.get("etag")!;
    const waiting = live(url, "&wait=0.3", { "if-none-match": etag });
    await expect.poll(() => registry.waiting()).toBe(1);
    await post(url, "promote", {
      prompt_version: "v1",
      env: "staging",
      expected_revision: 0,
      bypass: { reason: "try" },
    });
    expect((await waiting).status).toBe(304);
  });

  test("a client that leaves is forgotten, and a stop answers those who wait", async () => {
    // Nobody's wait ends by itself.
    const endless: Clock = {
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(ms === 30_000 ? Number.MAX_SAFE_INTEGER : ms, signal),
    };
    const { url, registry, stop } = await start(memoryLog(), { clock: endless });
    await withTwoVersions(url);
    const etag = (await live(url)).headers.get("etag")!;
    const leave = new AbortController();
    const left = fetch(`${url}/v1/live?use_cases=${USE_CASE}&wait=30`, {
      headers: { "if-none-match": etag },
      signal: leave.signal,
    });
    left.catch(() => undefined);
    await expect.poll(() => registry.waiting()).toBe(1);
    leave.abort();
    await expect.poll(() => registry.waiting()).toBe(0);
    const waiting = live(url, "&wait=30", { "if-none-match": etag });
    await expect.poll(() => registry.waiting()).toBe(1);
    const stopped = stop();
    expect((await waiting).status).toBe(304);
    await stopped;
  });

  test("a replica that lags does not take a client back", async () => {
    const log = memoryLog();
    const { url } = await start(log);
    await withTwoVersions(url);
    const ahead = (await live(url)).headers.get("etag")!;
    const cut = memoryLog();
    await cut.append(
      "plumbline.registry",
      (await log.read("plumbline.registry", 0, 0, { recordsMax: 4 })).map(({ key, value }) => ({
        key,
        value,
      })),
    );
    const lagging = await start(cut);
    await expect.poll(async () => (await live(lagging.url)).body["revision"]).toBe(4);
    expect((await live(lagging.url, "", { "if-none-match": ahead })).status).toBe(304);
    // Of another log, a higher revision means nothing.
    const other = await start(memoryLog());
    await admit(other.url, "nine", null);
    await post(other.url, "promote", { prompt_version: "v1", expected_revision: 0 });
    expect((await live(other.url, "", { "if-none-match": ahead })).status).toBe(200);
  });

  test("a use case that is not live yet is missing, and can be waited for", async () => {
    const { url, registry } = await start(memoryLog());
    const first = await live(url);
    expect(first.body).toMatchObject({ revision: 0, use_cases: {}, missing: [USE_CASE] });
    const waiting = live(url, "&wait=30", { "if-none-match": first.headers.get("etag")! });
    await expect.poll(() => registry.waiting()).toBe(1);
    // The first record gives the log its identity, so this client is told anew; that is early, not wrong.
    await admit(url, "one", null);
    await post(url, "promote", { prompt_version: "v1", expected_revision: 0 });
    expect((await waiting).status).toBe(200);
  });

  test.each([
    "live",
    "live?use_cases=Not%20One",
    "live?use_cases=a&wait=31",
    "live?use_cases=a&env=X",
    "live?use_cases=a&since=x",
  ])("GET /v1/%s is refused", async (path) => {
    const { url } = await start(memoryLog());
    expect((await get(url, path)).status).toBe(400);
  });

  test("a conversation keeps its version while a canary grows", async () => {
    const { url } = await start(memoryLog());
    await admit(url, "one", null);
    await post(url, "promote", { prompt_version: "v1", expected_revision: 0 });
    await admit(url, "two", "one");
    const counts: number[] = [];
    let had = new Set<string>();
    for (const [i, weight] of [0.1, 0.5].entries()) {
      await post(url, "promote", { prompt_version: "v2", expected_revision: i + 1, weight });
      const has = new Set<string>();
      for (let n = 0; n < 100; n++) {
        const { body } = await get(url, `live/pick?use_cases=${USE_CASE}&conversation_id=c${n}`);
        const picked = (body["use_cases"] as Record<string, { number: number }>)[USE_CASE];
        if (picked?.number === 2) has.add(`c${n}`);
      }
      expect([...had].every((each) => has.has(each))).toBe(true);
      had = has;
      counts.push(has.size);
    }
    expect(counts[0]).toBeGreaterThan(2);
    expect(counts[0]).toBeLessThan(25);
    expect(counts[1]).toBeGreaterThan(35);
    expect(counts[1]).toBeLessThan(65);
  });
});

describe("when the log fails", () => {
  test("reads go on, commands are answered with 503, and both are well again afterwards", async () => {
    const { log, cut } = breakable(memoryLog());
    const { url } = await start(log, { timeoutMs: 200 });
    await withTwoVersions(url);
    cut(true);
    const refused = await post(url, "rollback", { reason: "bad" }, { "idempotency-key": "k" });
    expect(refused.status).toBe(503);
    expect(refused.body["detail"]).toMatch(/same Idempotency-Key/);
    expect((await live(url)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    cut(false);
    expect((await post(url, "rollback", { reason: "bad" }, { "idempotency-key": "k" })).status).toBe(200);
  });

  test("a process that can't read its log yet is not ready, and says so", async () => {
    const { log, cut } = breakable(memoryLog());
    cut(true);
    const { url } = await start(log);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await live(url)).status).toBe(503);
    cut(false);
    await expect.poll(async () => (await live(url)).status).toBe(200);
  });

  test("a process with a snapshot serves what it knew while the log is away", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plumbline-registry-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const snapshots = createSnapshotFile(join(folder, "registry.json"));
    const { log, cut } = breakable(memoryLog());
    const first = await start(log, { snapshots });
    await withTwoVersions(first.url);
    await first.stop();
    cut(true);
    const second = await start(log, { snapshots });
    expect(LiveAnswer.parse((await live(second.url)).body).use_cases[USE_CASE]?.live).toMatchObject([
      { number: 2 },
    ]);
    expect((await live(second.url)).headers.get("x-plumbline-age-ms")).toBe("unknown");
    cut(false);
    expect((await post(second.url, "rollback", { reason: "bad" })).status).toBe(200);
    expect(canonicalJson(stateToJson(second.registry.state()))).not.toBe("");

    await writeFile(
      join(folder, "registry.json"),
      (await readFile(join(folder, "registry.json"), "utf8")).slice(0, 100),
    );
    const third = await start(log, { snapshots });
    await expect.poll(async () => (await live(third.url)).status).toBe(200);
    expect(canonicalJson(stateToJson(third.registry.state()))).toBe(
      canonicalJson(stateToJson(second.registry.state())),
    );
  });

  test("a command that meets the first look at the log ends nothing, and is taken after it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plumbline-registry-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const snapshots = createSnapshotFile(join(folder, "registry.json"));
    const log = memoryLog();
    const first = await start(log, { snapshots });
    await withTwoVersions(first.url);
    await first.stop();
    let hasLooked = false;
    let answer!: (value?: undefined) => void;
    const answered = new Promise<undefined>((resolve) => {
      answer = resolve;
    });
    const second = await start(
      {
        ...log,
        watermarks: async (topic) => {
          const marks = await log.watermarks(topic);
          hasLooked = true;
          await answered;
          return marks;
        },
      },
      { snapshots, timeoutMs: 200 },
    );
    await expect.poll(() => hasLooked).toBe(true);
    expect((await post(second.url, "versions", registration("three"))).status).toBe(503);
    answer();
    await expect
      .poll(async () => (await post(second.url, "versions", registration("three"))).status)
      .toBe(201);
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
  });

  test.each<{ name: string; watermarks: EventLog["watermarks"]; message: RegExp }>([
    {
      name: "more than one partition",
      watermarks: async () => [0, 1].map((partition) => ({ partition, low: 0, high: 1 })),
      message: /exactly 1/,
    },
    {
      name: "a cut history",
      watermarks: async () => [{ partition: 0, low: 7, high: 9 }],
      message: /begins at offset 7/,
    },
  ])("it refuses to start on a topic with $name", async ({ watermarks, message }) => {
    const registry = createRegistry({
      log: { ...memoryLog(), watermarks },
      clock: systemClock,
      logger,
      port: 0,
    });
    await expect(registry.run(new AbortController().signal)).rejects.toThrow(message);
  });

  test("it refuses to go on from a snapshot of another log", async () => {
    const folder = await mkdtemp(join(tmpdir(), "plumbline-registry-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const snapshots = createSnapshotFile(join(folder, "registry.json"));
    const first = await start(memoryLog(), { snapshots });
    await withTwoVersions(first.url);
    await first.stop();
    const other = memoryLog();
    await other.append(
      "plumbline.registry",
      Array.from({ length: 9 }, (_, i) => ({ key: "x", value: Buffer.from(String(i)) })),
    );
    const registry = createRegistry({ log: other, clock: systemClock, logger, port: 0, snapshots });
    await expect(registry.run(new AbortController().signal)).rejects.toThrow(
      /not the log that the snapshot is of/,
    );
  });
});

describe("a hundred concurrent promotions with the same expected revision", () => {
  const TEXTS = Array.from({ length: 100 }, (_, i) => `candidate ${i}`);

  async function runRace(log: EventLog, reopen: () => Promise<EventLog>): Promise<void> {
    await log.append("plumbline.registry", race(TEXTS, new Date()).map(toNewRecord));
    const replicas = [await start(log), await start(log)];
    const answers = await Promise.all(
      TEXTS.map((text, i) =>
        post(replicas[i % 2]!.url, "promote", { prompt_version: versionOf(text), expected_revision: 1 }),
      ),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBe(1);
    expect(
      answers.filter(({ status, body }) => status === 409 && body["type"] === "urn:plumbline:stale-revision")
        .length,
    ).toBe(99);

    const winner = String(won[0]!.body["prompt_version"]);
    const [{ high } = { high: 0 }] = await log.watermarks("plumbline.registry");
    await expect
      .poll(() => replicas.every(({ registry }) => registry.state().next_offset === high))
      .toBe(true);
    const [a, b] = replicas.map(({ registry }) => canonicalJson(stateToJson(registry.state())));
    expect(a).toBe(b);
    for (const { url, stop } of replicas) {
      expect(LiveAnswer.parse((await live(url)).body).use_cases[USE_CASE]?.live).toMatchObject([
        { prompt_version: winner },
      ]);
      await stop();
    }
    const restarted = await start(await reopen());
    expect(LiveAnswer.parse((await live(restarted.url)).body).use_cases[USE_CASE]?.live).toMatchObject([
      { prompt_version: winner },
    ]);
    expect(canonicalJson(stateToJson(restarted.registry.state()))).toBe(a);
    await restarted.stop();
  }

  test("exactly one wins on the memory log, on both replicas and after a restart", async () => {
    const log = memoryLog();
    await runRace(log, async () => log);
  });

  test("exactly one wins on the lmdb log, on both replicas and after a restart", async () => {
    const path = await mkdtemp(join(tmpdir(), "plumbline-registry-"));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    const open = () => openLmdbEventLog({ path, clock: systemClock });
    let log = await open();
    await runRace(log, async () => {
      await log.close();
      log = await open();
      return log;
    });
    await log.close();
  });
});
