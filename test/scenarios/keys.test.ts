/** Keys as an operator makes them: by the command line, at a registry that asks for them, followed by a collector. */
import { PassThrough } from "node:stream";
import { createKeyDirectory, openAccess } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { KeysAnswer, type KeyView } from "@plumbline/schemas";
import { createCollector } from "@plumbline/services/collector/service";
import { createRegistry } from "@plumbline/services/registry/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "../../packages/cli/run-cli.ts";
import { documentOf, USE_CASE, versionOf } from "../registry/commands.ts";

const ADMIN = "operator-key-of-the-environment";
const FOLLOWED = { timeout: 60_000, interval: 50 };
const logger = createLogger("test", "silent");
const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
const config = { PLUMBLINE_ADMIN_KEY: ADMIN, PLUMBLINE_REQUIRE_KEYS: false };
const deps = { log, clock: systemClock, logger };
const access = openAccess({ ...deps, config, host: "127.0.0.1", service: "registry" });
const registry = createRegistry({
  ...deps,
  port: 0,
  guard: access.guard,
  keys: access.directory!,
  followMs: 20,
});
// Another process: it knows the keys from the log alone.
const own = openAccess({
  ...deps,
  config: { PLUMBLINE_REQUIRE_KEYS: false },
  staticKeys: [{ secret: "static-key", tenant: "old", name: "old", scopes: ["ingest"], isOperator: false }],
  host: "127.0.0.1",
  service: "collector",
});
const collector = createCollector({ ...deps, port: 0, guard: own.guard });
const stop = new AbortController();
let running: Promise<unknown>;
let registryUrl: string;
let collectorUrl: string;

beforeAll(async () => {
  const services: readonly Service[] = [registry, collector, ...own.services];
  running = Promise.all(services.map((service) => service.run(stop.signal)));
  [registryUrl, collectorUrl] = await Promise.all([registry.url, collector.url]);
});

afterAll(async () => {
  stop.abort();
  await running;
});

async function plumbline(key: string, ...args: string[]) {
  let stdout = "";
  let stderr = "";
  const exitCode = await runCli(
    [...args, "--registry", registryUrl],
    {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      stdin: new PassThrough(),
      environment: { PLUMBLINE_REGISTRY_KEY: key, PLUMBLINE_ACTOR: "eve" },
      directory: "/",
      signal: new AbortController().signal,
    },
    systemClock,
  );
  return { exitCode, stdout: stdout.trim(), stderr };
}

async function keys(key = ADMIN): Promise<readonly KeyView[]> {
  const { stdout } = await plumbline(key, "keys", "list", "--json");
  return KeysAnswer.parse((JSON.parse(stdout) as { data: unknown }).data).keys;
}

async function ingest(key: string): Promise<number> {
  const response = await fetch(`${collectorUrl}/v1/calls`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ app: "a", use_case: "u", model: "m", status: "ok", latency_ms: 1 }),
  });
  await response.text();
  return response.status;
}

async function register(key: string, text: string): Promise<Response> {
  return fetch(`${registryUrl}/v1/use-cases/${USE_CASE}/versions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${key}`,
      "x-plumbline-actor": "eve",
    },
    body: JSON.stringify({ prompt_version: versionOf(text), document: documentOf(text) }),
  });
}

test("a key is made, used at once by another process, replaced with time to change over, and revoked", async () => {
  const made = await plumbline(ADMIN, "keys", "create", "checkout", "--scope", "ingest", "--tenant", "shop");
  expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^plb_[a-z2-7]{10}_[\w-]{43}$/) });
  const first = made.stdout;
  await vi.waitFor(async () => expect(await ingest(first)).toBe(200), FOLLOWED);
  expect(await ingest("static-key")).toBe(200);
  const [{ key_id } = { key_id: "" }] = await keys();

  const replaced = await plumbline(ADMIN, "keys", "rotate", key_id, "--grace", "1h");
  // Another process knows a new key within a second or two.
  await vi.waitFor(async () => expect(await ingest(replaced.stdout)).toBe(200), FOLLOWED);
  expect(await ingest(first)).toBe(200);
  expect(await keys()).toMatchObject([
    { key_id, name: "checkout", tenant: "shop", state: "active", stops_at: expect.any(String) },
    { name: "checkout", tenant: "shop", replaces: key_id, state: "active", stops_at: null },
  ]);

  expect((await plumbline(ADMIN, "keys", "revoke", key_id)).stdout).toMatch(/revoked$/);
  await vi.waitFor(async () => expect(await ingest(first)).toBe(401), FOLLOWED);
  expect(await ingest(replaced.stdout)).toBe(200);
  const stored = await log.read("plumbline.keys", 0, 0, { recordsMax: 100 });
  expect(JSON.stringify(stored.map(({ value }) => Buffer.from(value).toString()))).not.toContain(
    first.slice(15),
  );
});

test("the history names the holder of the key, and two tenants have use cases of one name apart", async () => {
  const create = async (name: string, tenant: string): Promise<string> => {
    const scopes = ["--scope", "read", "--scope", "deploy"];
    return (await plumbline(ADMIN, "keys", "create", name, ...scopes, "--tenant", tenant)).stdout;
  };
  const [ann, bob] = [await create("ann@a.example", "team-a"), await create("bob@b.example", "team-b")];
  expect((await register(ann, "one")).status).toBe(201);
  expect((await register(bob, "two")).status).toBe(201);
  for (const [key, name, other] of [
    [ann, "ann@a.example", "bob@b.example"],
    [bob, "bob@b.example", "ann@a.example"],
  ] as const) {
    const { stdout } = await plumbline(key, "history", USE_CASE);
    expect(stdout).toContain(name);
    expect(stdout).not.toContain(other);
    expect(stdout).not.toContain("eve");
  }
});

test("an admin makes keys of its own tenant alone; a mistake is told before anything is asked", async () => {
  const admin = (await plumbline(ADMIN, "keys", "create", "root", "--scope", "admin", "--tenant", "team-c"))
    .stdout;
  const foreign = await plumbline(admin, "keys", "create", "x", "--scope", "read", "--tenant", "team-a");
  expect(foreign).toMatchObject({
    exitCode: 6,
    stdout: "",
    stderr: expect.stringMatching(/administers tenant team-c/),
  });
  expect((await plumbline(admin, "keys", "create", "x", "--scope", "read")).exitCode).toBe(0);
  expect((await keys(admin)).map(({ tenant }) => tenant)).toEqual(["team-c", "team-c"]);
  expect(await plumbline(admin, "keys", "create", "x")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/--scope/),
  });
  const past = await plumbline(admin, "keys", "create", "x", "--scope", "read", "--expires", "2020-01-01");
  expect(past).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/expires_at lies in the past/) });
});

test("a process that asks for keys follows the same list as every other", async () => {
  const another = createKeyDirectory({ ...deps, service: "another" });
  await another.catchUp();
  expect(another.book.all().length).toBeGreaterThanOrEqual(5);
});
