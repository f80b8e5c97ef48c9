/**
 * kill -9 of log, ClickHouse and registry at once, which in local mode are one process. The client in this process goes
 * on serving what was live; a fresh process serves from disk, another from its bundle, a third says what to do. After
 * the restart everything that was acknowledged still holds, for commands as for calls.
 */
import { randomUUID } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createClient, type Client } from "@plumbline/client/node";
import { LiveAnswer } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { afterEach, beforeEach, expect, test } from "vitest";
import { documentOf, USE_CASE, versionOf } from "../registry/commands.ts";

const MAIN = fileURLToPath(new URL("../../services/local/main.ts", import.meta.url));
const CLIENT = new URL("../../packages/client/node/index.ts", import.meta.url).href;
/** Kills in the middle of a command. */
const KILLS = 2;
const SEED = 20_261_124;

const ANY_PORTS = ["--port=0"];
const POLL = { interval: 50 };

let folder = "";
let local: ChildProcess | null = null;
let client: Client | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-registry-killed-"));
});
afterEach(async () => {
  local?.kill("SIGKILL");
  await client?.close(100);
  await rm(folder, { recursive: true, force: true });
});

interface Urls {
  readonly collector: string;
  readonly sql: string;
  readonly registry: string;
}

test("clients keep serving the right version while log, ClickHouse and registry are dead", async () => {
  const first = await start(ANY_PORTS);
  const samePorts = [
    `--port=${new URL(first.collector).port}`,
    `--registry-port=${new URL(first.registry).port}`,
    "--metrics-port=0",
    "--inbox-port=0",
    "--sql-port=0",
  ];
  for (const text of ["one", "two", "three"]) await register(first, text);
  await promote(first, "one", 0);
  await promote(first, "two", 1);
  const stateDir = join(folder, "client");
  client = createClient({
    url: first.collector,
    registryUrl: first.registry,
    app: "support",
    useCases: [USE_CASE],
    stateDir,
    retryBaseMs: 20,
    retryMaxMs: 200,
    onWarning: () => undefined,
  });
  const serve = client;
  await expect.poll(() => serve.prompt(USE_CASE), POLL).toMatchObject({ number: 2, source: "live" });
  await rollback(first);
  await expect.poll(() => serve.prompt(USE_CASE), POLL).toMatchObject({ number: 1, source: "live" });
  // What is on disk is what is live, before anything dies.
  await expect.poll(() => storedVersion(stateDir), POLL).toBe(versionOf("one"));
  const bundle = await live(first);
  const before = await history(first);

  await kill();
  await expect.poll(() => serve.stats().is_connected, POLL).toBe(false);
  for (let call = 0; call < 50; call++) {
    const prompt = await serve.prompt(USE_CASE, { conversationId: `c${call}` });
    expect(prompt).toMatchObject({ number: 1, source: "cache" });
    serve.emit({ ...prompt.tags, status: "ok", latency_ms: 1 });
  }
  await writeFile(join(folder, "bundle.json"), JSON.stringify(bundle));
  const [disk, bundled, nothing] = await Promise.all([
    freshProcess(first, { stateDir }),
    freshProcess(first, { stateDir: join(folder, "empty"), bundle: join(folder, "bundle.json") }),
    freshProcess(first, { stateDir: join(folder, "empty") }),
  ]);
  expect(disk).toEqual({ code: 0, printed: `${versionOf("one")} last_known_good` });
  expect(bundled).toEqual({ code: 0, printed: `${versionOf("one")} bundled` });
  expect(nothing.code).toBe(1);
  expect(nothing.printed).toMatch(
    /^PromptUnavailableError: there is no prompt of ticket-summary\. Registry .*ECONNREFUSED.*nothing on disk or in the bundle$/,
  );

  const second = await start(samePorts);
  expect(second).toMatchObject({ collector: first.collector, registry: first.registry });
  await expect.poll(() => serve.prompt(USE_CASE), POLL).toMatchObject({ number: 1, source: "live" });
  expect(await history(second)).toEqual(before);
  await promote(second, "three", before.revision);
  await expect.poll(() => serve.prompt(USE_CASE), POLL).toMatchObject({ number: 3, source: "live" });
  // The calls of the dead time were kept by the emitter and are stored once each.
  await expect
    .poll(() => storedCalls(second), { interval: 100 })
    .toEqual({
      all_rows: 50,
      calls: 50,
      sources: ["cache"],
      versions: [versionOf("one")],
    });
}, 60_000);

test(`a command that was acknowledged holds after kill -9 in the middle of the next, ${KILLS} times`, async () => {
  const random = createRandom(SEED);
  let urls = await start(ANY_PORTS);
  for (const text of ["one", "two"]) await register(urls, text);
  await promote(urls, "one", 0);
  for (let round = 0; round < KILLS; round++) {
    const known = await history(urls);
    const text = known.version === versionOf("one") ? "two" : "one";
    const answer = promote(urls, text, known.revision).then(
      () => true,
      () => false,
    );
    await sleep(random.integer(12));
    await kill();
    const wasAcknowledged = await answer;
    urls = await start(ANY_PORTS);
    const after = await history(urls);
    // In the log or not: nothing between, and nothing acknowledged is gone.
    const held = { revision: known.revision + 1, version: versionOf(text) };
    expect([held, { revision: known.revision, version: known.version }]).toContainEqual({
      revision: after.revision,
      version: after.version,
    });
    if (wasAcknowledged) expect(after).toMatchObject(held);
  }
}, 60_000);

/** Local mode on the folder of the test, as often as it is called. */
async function start(ports: readonly string[]): Promise<Urls> {
  const readyFile = join(folder, `${randomUUID()}.json`);
  const started = spawn(
    process.execPath,
    [
      "--conditions=source",
      "--import=tsx",
      MAIN,
      ...ports,
      `--data-dir=${join(folder, "data")}`,
      `--ready-file=${readyFile}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, UV_THREADPOOL_SIZE: "16" } },
  );
  local = started;
  let messages = "";
  started.stderr.on("data", (chunk: Buffer) => (messages += chunk.toString()));
  for (const deadline = Date.now() + 120_000; !existsSync(readyFile); await sleep(20)) {
    if (started.exitCode !== null || Date.now() > deadline)
      throw new Error(`local mode did not start:\n${messages}`);
  }
  return JSON.parse(readFileSync(readyFile, "utf8")) as Urls;
}

async function kill(): Promise<void> {
  const dying = local;
  if (dying === null) return;
  const isDead = new Promise((resolve) => dying.once("exit", resolve));
  dying.kill("SIGKILL");
  await isDead;
}

/** A process that asks for the prompt once, while the registry is dead. */
async function freshProcess(
  { registry }: Urls,
  given: { readonly stateDir: string; readonly bundle?: string },
): Promise<{ code: unknown; printed: string }> {
  const script = `
    import { readFileSync } from "node:fs";
    import { createClient } from ${JSON.stringify(CLIENT)};
    const { stateDir, bundle } = ${JSON.stringify(given)};
    const client = createClient({
      registryUrl: ${JSON.stringify(registry)}, app: "fresh", stateDir, firstWaitMs: 500, onWarning: () => {},
      bundle: bundle === undefined ? undefined : JSON.parse(readFileSync(bundle, "utf8")),
    });
    try {
      const prompt = await client.prompt("${USE_CASE}");
      process.stdout.write(prompt.version + " " + prompt.source);
    } catch (error) {
      process.stdout.write(error.name + ": " + error.message);
      process.exitCode = 1;
    }
    await client.close();
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", "--input-type=module", "--eval", script],
    { cwd: fileURLToPath(new URL(".", import.meta.url)), stdio: ["ignore", "pipe", "inherit"] },
  );
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { code, printed };
}

async function command({ registry }: Urls, path: string, body: object): Promise<void> {
  const response = await fetch(`${registry}/v1/use-cases/${USE_CASE}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "ann" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

const register = (urls: Urls, text: string): Promise<void> =>
  command(urls, "versions", { prompt_version: versionOf(text), document: documentOf(text) });

const promote = (urls: Urls, text: string, expected_revision: number): Promise<void> =>
  command(urls, "promote", {
    prompt_version: versionOf(text),
    expected_revision,
    bypass: { reason: "there is no eval set in this test" },
  });

const rollback = (urls: Urls): Promise<void> => command(urls, "rollback", { reason: "loses amounts" });

async function live({ registry }: Urls): Promise<LiveAnswer> {
  return LiveAnswer.parse(await (await fetch(`${registry}/v1/live?use_cases=${USE_CASE}`)).json());
}

/** What the registry knows of the use case, and what is live by it. */
async function history(urls: Urls): Promise<{ revision: number; version: string; entries: unknown }> {
  const { revision, live: arms } = (await live(urls)).use_cases[USE_CASE]!;
  const answer = await fetch(`${urls.registry}/v1/use-cases/${USE_CASE}/history`);
  return { revision, version: arms[0]!.prompt_version, entries: await answer.json() };
}

function storedVersion(stateDir: string): unknown {
  const file = join(stateDir, "production", `${USE_CASE}.json`);
  if (!existsSync(file)) return null;
  const stored = JSON.parse(readFileSync(file, "utf8")) as { live: readonly { prompt_version: string }[] };
  return stored.live[0]?.prompt_version;
}

async function storedCalls({ sql }: Urls): Promise<unknown> {
  const statement =
    "SELECT count() AS all_rows, uniqExact(call_id) AS calls, groupUniqArray(toString(prompt_source)) AS sources, groupUniqArray(prompt_version) AS versions FROM plumbline_raw.calls FORMAT JSONEachRow";
  const response = await fetch(`${sql}/?query=${encodeURIComponent(statement)}`);
  return response.json();
}
