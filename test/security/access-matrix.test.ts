/** Every route of every server, with every kind of key: exactly the documented answers. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey, createKeyDirectory } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import { message } from "@plumbline/ports/notifier.contract";
import type { Route } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { Problem, SCOPES, type Scope } from "@plumbline/schemas";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentOf, versionOf } from "../registry/commands.ts";
import { DEAD_LETTER, INCIDENT, samplesOf, USE_CASE, type Sample } from "./access-samples.ts";
import { renderAccessTable } from "./access-table.ts";
import { createServers } from "./servers.ts";

const logger = createLogger("test", "silent");
const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
const keys = createKeyDirectory({ log, clock: systemClock, logger, service: "test", needsKey: false });
const VERSION = versionOf("one");
const OPERATOR_KEY = "operator-key-of-the-matrix";
const PAST = "2026-01-01T00:00:00.000Z";

const inboxDir = await mkdtemp(join(tmpdir(), "plumbline-matrix-"));
const servers = await createServers({ log, keys, logger, inboxDir, operatorKey: OPERATOR_KEY });
const routes = Object.entries(servers.all).flatMap(([server, { routes: own }]) =>
  own.map((route) => ({ server: server as keyof typeof servers.all, route })),
);
const guarded = routes.filter(({ route }) => route.access !== "public");
const stop = new AbortController();
let running: Promise<unknown>;

interface Made {
  readonly secret: string;
  readonly key_id: string;
}
type Kind = "right" | "wrong" | "other" | "revoked" | "expired";
const made = new Map<string, Made>();

async function makeKey(scopes: readonly Scope[], tenant: string, expires_at: string | null): Promise<Made> {
  const { secret, ...key } = await createKey();
  await keys.record({
    ...key,
    type: "created",
    tenant,
    name: "ann",
    scopes: [...scopes],
    expires_at,
    replaces: null,
    at: PAST,
    actor: "test",
  });
  return { secret, key_id: key.key_id };
}

beforeAll(async () => {
  running = Promise.all(Object.values(servers.all).map((server) => server.run(stop.signal)));
  for (const scope of SCOPES) {
    const others = SCOPES.filter((each) => each !== scope && each !== "admin");
    made.set(`right ${scope}`, await makeKey([scope], "team-x", null));
    made.set(`wrong ${scope}`, await makeKey(others, "team-x", null));
    made.set(`other ${scope}`, await makeKey([scope], "team-y", null));
    made.set(`expired ${scope}`, await makeKey([scope], "team-x", PAST));
    const revoked = await makeKey([scope], "team-x", null);
    await keys.record({ type: "revoked", key_id: revoked.key_id, stops_at: PAST, at: PAST, actor: "test" });
    made.set(`revoked ${scope}`, revoked);
  }
  await log.append("plumbline.calls.dead_letter", [DEAD_LETTER]);
  await log.append(INCIDENTS, [encodeIncidentEvent(INCIDENT)]);
  for (const tenant of ["team-x", "team-y"]) {
    const incident = message({ incident_id: `inc_of_${tenant}`, tenant, title: `fell for ${tenant}` });
    await servers.inbox.post(incident, { signal: stop.signal });
  }
  const registry = await servers.all.registry.url;
  const push = { prompt_version: VERSION, document: documentOf("one") };
  const deployer = made.get("right deploy")!.secret;
  const path = `/v1/use-cases/${USE_CASE}`;
  expect((await send(registry, "POST", `${path}/versions`, push, deployer)).status).toBe(201);
  const promote = { prompt_version: VERSION, expected_revision: 0, bypass: { reason: "test" } };
  expect((await send(registry, "POST", `${path}/promote`, promote, deployer)).status).toBe(200);
});

afterAll(async () => {
  stop.abort();
  await running;
  await rm(inboxDir, { recursive: true });
});

async function send(url: string, method: string, path: string, body: unknown, secret: string | null) {
  const abort = new AbortController();
  const response = await fetch(`${url}${path}`, {
    method,
    signal: abort.signal,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(secret !== null && { authorization: `Bearer ${secret}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  // A live stream has no end.
  const isStream = response.headers.get("content-type") === "text/event-stream";
  const text = isStream ? "" : await response.text();
  if (isStream) abort.abort();
  return { status: response.status, headers: response.headers, text };
}

async function sampleOf({ method, path }: Route): Promise<Required<Pick<Sample, "path">> & Sample> {
  const spare = path.includes(":key_id") ? (await makeKey(["read"], "team-x", null)).key_id : "";
  const sample = samplesOf(VERSION, spare)[`${method} ${path}`];
  if (sample === undefined) throw new Error(`${method} ${path} has no entry in access-samples.ts`);
  return { path, ...sample };
}

test("every route that asks for a key has an entry, and no entry is of a route that is gone", () => {
  const declared = guarded.map(({ route }) => `${route.method} ${route.path}`).toSorted();
  expect(Object.keys(samplesOf("", "")).toSorted()).toEqual(declared);
  expect(guarded.length).toBeGreaterThan(25);
});

describe.each(guarded.map(({ server, route }) => ({ server, route, name: `${route.method} ${route.path}` })))(
  "$server $name",
  ({ server, route }) => {
    const scope = route.access as Scope;

    async function ask(kind: Kind | null) {
      const { path, body, ...expected } = await sampleOf(route);
      const secret = kind === null ? null : made.get(`${kind} ${scope}`)!.secret;
      return { ...(await send(await servers.all[server].url, route.method, path, body, secret)), expected };
    }

    test("no key, an expired and a revoked one: 401, and why", async () => {
      const none = await ask(null);
      expect(none.status).toBe(401);
      expect(none.headers.get("www-authenticate")).toBe("Bearer");
      expect(Problem.parse(JSON.parse(none.text)).detail).toContain(`scope ${scope}`);
      for (const [kind, word] of [
        ["expired", "expired"],
        ["revoked", "was revoked"],
      ] as const) {
        const answer = await ask(kind);
        expect(answer.status).toBe(401);
        expect(Problem.parse(JSON.parse(answer.text)).detail).toContain(word);
      }
    });

    test("every other scope: 403, and which one is missing", async () => {
      const answer = await ask("wrong");
      expect(answer.status).toBe(403);
      expect(Problem.parse(JSON.parse(answer.text)).detail).toContain(`needs scope ${scope}`);
    });

    test("another tenant's key: the documented answer, and nothing of the tenant in it", async () => {
      const answer = await ask("other");
      expect(answer.status).toBe(answer.expected.other);
      expect(answer.text).not.toContain(VERSION);
      expect(answer.text).not.toContain("team-x");
    });

    test("the right key: the documented answer", async () => {
      const answer = await ask("right");
      expect({ status: answer.status, text: answer.status >= 500 ? answer.text : "" }).toEqual({
        status: answer.expected.right,
        text: "",
      });
    });
  },
);

test.each(routes.filter(({ route }) => route.access === "public"))(
  "$server $route.path answers without a key",
  async ({ server, route }) => {
    const { status } = await send(await servers.all[server].url, route.method, route.path, undefined, null);
    // The link of a session is none without its token, and a click of Slack none without its signature.
    const refusals: Readonly<Record<string, number>> = { "/open": 403, "/slack/actions": 401 };
    expect(status).toBe(refusals[route.path] ?? 200);
  },
);

test.each([
  { who: "a key of team-x", secret: () => made.get("right read")!.secret, sees: ["team-x"] },
  { who: "a key of team-y", secret: () => made.get("other read")!.secret, sees: ["team-y"] },
  { who: "an operator", secret: () => OPERATOR_KEY, sees: ["team-x", "team-y"] },
])("$who sees incidents of $sees in the inbox, page and JSON alike", async ({ secret, sees }) => {
  const url = await servers.all.inbox.url;
  for (const path of ["/", "/messages"]) {
    const { status, text } = await send(url, "GET", path, undefined, secret());
    expect(status).toBe(200);
    expect(["team-x", "team-y"].filter((tenant) => text.includes(`fell for ${tenant}`))).toEqual(sees);
  }
});

test.each(routes.filter(({ route }) => route.method === "GET"))(
  "$server HEAD $route.path is answered as GET is, without the body",
  async ({ server, route }) => {
    const url = await servers.all[server].url;
    const isPublic = route.access === "public";
    const { path } = isPublic ? route : await sampleOf(route);
    const secret = isPublic ? null : made.get(`right ${String(route.access)}`)!.secret;
    const get = await send(url, "GET", path, undefined, secret);
    const head = await send(url, "HEAD", path, undefined, secret);
    expect({ status: head.status, text: head.text }).toEqual({ status: get.status, text: "" });
  },
);

test("what another tenant sent left the tenant's use case as it was", async () => {
  const secret = made.get("right read")!.secret;
  const url = await servers.all.registry.url;
  const answer = await send(url, "GET", `/v1/live?use_cases=${USE_CASE}`, undefined, secret);
  expect(JSON.parse(answer.text)).toMatchObject({
    use_cases: { [USE_CASE]: { revision: 1, live: [{ prompt_version: VERSION }] } },
  });
});

test("docs/reference/access.md is what the routes declare: npm run docs:access writes it", async () => {
  const declared = Object.fromEntries(
    Object.entries(servers.all).map(([server, { routes: own }]) => [server, own]),
  );
  const file = new URL("../../docs/reference/access.md", import.meta.url);
  expect(await readFile(file, "utf8")).toBe(renderAccessTable(declared));
});
