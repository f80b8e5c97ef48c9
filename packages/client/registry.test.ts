/** The client against the real registry, over HTTP. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createRecordingTransport } from "@plumbline/emitter";
import type { EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import type { RegistryEvent } from "@plumbline/schemas";
import { pickVersion } from "@plumbline/services/registry/versions/pick-version";
import { createRegistry, type Registry } from "@plumbline/services/registry/service";
import { expect, onTestFinished, test } from "vitest";
import { promoted, race, toNewRecord, USE_CASE, versionOf } from "../../test/registry/commands.ts";
import {
  type Bundle,
  type Client,
  createClient,
  type NodeClientOptions,
  PromptUnavailableError,
} from "./node/index.ts";

const logger = createLogger("test", "silent");
/** Soon again, so that a test sees several failures. */
const IMPATIENT = { retryBaseMs: 10, retryMaxMs: 50 };

interface Started {
  readonly url: string;
  readonly registry: Registry;
  readonly log: EventLog;
  readonly append: (...commands: readonly RegistryEvent[]) => Promise<void>;
  readonly rollback: () => Promise<void>;
  /** As when the process dies. */
  readonly kill: () => Promise<void>;
}

/** A registry where version one is live, and two and three may replace it. */
async function start(given: { readonly log?: EventLog; readonly port?: number } = {}): Promise<Started> {
  const log = given.log ?? createMemoryEventLog({ clock: systemClock });
  const append = async (...commands: readonly RegistryEvent[]): Promise<void> => {
    await log.append("plumbline.registry", commands.map(toNewRecord));
  };
  if (given.log === undefined) await append(...race(["two", "three"], new Date()));
  const registry = createRegistry({ log, clock: systemClock, logger, port: given.port ?? 0, followMs: 10 });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  const kill = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  onTestFinished(kill);
  const url = await registry.url;
  return {
    url,
    registry,
    log,
    append,
    kill,
    async rollback() {
      const response = await fetch(`${url}/v1/use-cases/${USE_CASE}/rollback`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ reason: "loses amounts" }),
      });
      expect(response.status).toBe(200);
    },
  };
}

function connect(options: Partial<NodeClientOptions>): Client {
  const client = createClient({
    app: "support",
    onWarning: () => undefined,
    telemetry: { transport: createRecordingTransport() },
    ...IMPATIENT,
    ...options,
  });
  onTestFinished(async () => void (await client.close()));
  return client;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "plumbline-client-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("a prompt is live, verified, rendered, and goes into the event of the call", async () => {
  const { url } = await start();
  const transport = createRecordingTransport();
  const client = connect({ url, telemetry: { transport } });
  const prompt = await client.prompt(USE_CASE, { conversationId: "c1" });
  expect(prompt).toMatchObject({
    use_case: USE_CASE,
    version: versionOf("one"),
    ref: `${USE_CASE}@${versionOf("one").slice(7, 19)}`,
    number: 1,
    source: "live",
    provider: "openai",
    model: "gpt-5-mini",
    config: { temperature: 0.2 },
    output: null,
  });
  expect(prompt.stale_ms).toBeLessThan(60_000);
  expect(prompt.messages({ ticket: "Refund <5 €>" })).toEqual([
    { role: "system", content: "one" },
    { role: "user", content: "Refund <5 €>" },
  ]);
  expect(() => prompt.messages()).toThrow("variable ticket is missing");
  expect(() => Object.assign(prompt.config, { temperature: 2 })).toThrow(TypeError);

  client.emit({ ...prompt.tags, status: "ok", latency_ms: 812 });
  await client.close();
  expect(transport.calls).toMatchObject([
    {
      use_case: USE_CASE,
      prompt_version: versionOf("one"),
      prompt_source: "live",
      model: "gpt-5-mini",
      conversation_id: "c1",
      env: "production",
    },
  ]);
});

test("a promotion and a rollback are pushed, and not found by the next poll", async () => {
  const { url, append, rollback, registry } = await start();
  const client = connect({ url });
  const number = async (): Promise<number> => (await client.prompt(USE_CASE)).number;
  expect(await number()).toBe(1);
  await expect.poll(() => registry.waiting()).toBe(1);
  await append(promoted("two", 1));
  // A poll that nothing wakes takes 30 seconds; `npm run bench:rollback` measures how soon.
  await expect.poll(number, { interval: 5 }).toBe(2);
  await rollback();
  await expect.poll(number, { interval: 1 }).toBe(1);
  expect(client.stats()).toMatchObject({ is_connected: true, poll_failures: 0, hash_mismatches: 0 });
});

test("a conversation keeps its version while a canary grows, and the registry picks the same", async () => {
  const { url, append } = await start();
  const client = connect({ url });
  await append(promoted("two", 1, { weight: 0.2 }));
  const arms = [
    { prompt_version: versionOf("two"), number: 2, weight: 0.2 },
    { prompt_version: versionOf("one"), number: 1, weight: 0.8 },
  ];
  const ids = Array.from({ length: 300 }, (_, i) => `conversation-${i}`);
  const picks = (): Promise<readonly number[]> =>
    Promise.all(
      ids.map(async (conversationId) => (await client.prompt(USE_CASE, { conversationId })).number),
    );
  const expected = (weights: readonly [number, number]): readonly number[] =>
    ids.map(
      (id) =>
        pickVersion(
          USE_CASE,
          arms.map((arm, i) => ({ ...arm, weight: weights[i]! })),
          id,
        )!.number,
    );
  await expect.poll(picks).toEqual(expected([0.2, 0.8]));
  const answer = await fetch(`${url}/v1/live/pick?use_cases=${USE_CASE}&conversation_id=conversation-42`);
  const picked = (await answer.json()) as { use_cases: Record<string, { number: number }> };
  expect((await client.prompt(USE_CASE, { conversationId: "conversation-42" })).number).toBe(
    picked.use_cases[USE_CASE]!.number,
  );

  const before = await picks();
  await append(promoted("two", 2, { weight: 0.6 }));
  await expect.poll(picks).toEqual(expected([0.6, 0.4]));
  const after = await picks();
  expect(before.every((number, i) => number === 1 || after[i] === 2)).toBe(true);
  // Without a conversation every call is its own.
  const free = await Promise.all(ids.map(async () => (await client.prompt(USE_CASE)).number));
  expect(new Set(free)).toEqual(new Set([1, 2]));
});

test("without the registry the last version is served on, and the next registry is found", async () => {
  const first = await start();
  await first.append(promoted("two", 1));
  const client = connect({ url: first.url, useCases: [USE_CASE] });
  await expect.poll(async () => (await client.prompt(USE_CASE)).number).toBe(2);
  await first.kill();
  await expect.poll(() => client.stats().is_connected).toBe(false);
  for (let i = 0; i < 100; i++) {
    expect(await client.prompt(USE_CASE)).toMatchObject({ number: 2, source: "cache" });
  }
  await expect.poll(() => client.stats().poll_failures).toBeGreaterThan(3);

  const second = await start({ log: first.log, port: Number(new URL(first.url).port) });
  // Nothing changed meanwhile: that the registry is back must not take a long poll to find out.
  await expect.poll(() => client.prompt(USE_CASE)).toMatchObject({ number: 2, source: "live" });
  await second.rollback();
  await expect.poll(() => client.prompt(USE_CASE)).toMatchObject({ number: 1, source: "live" });
});

test("a fresh process without a registry starts from disk, else from the bundle, else says what to do", async () => {
  const { url, kill } = await start();
  const stateDir = await folder();
  const before = connect({ url, stateDir });
  expect((await before.prompt(USE_CASE)).source).toBe("live");
  await before.close();
  const bundle = (await (await fetch(`${url}/v1/live?use_cases=${USE_CASE}`)).json()) as Bundle;
  await kill();

  const onDisk = await connect({ url, stateDir, bundle }).prompt(USE_CASE);
  expect(onDisk).toMatchObject({ number: 1, source: "last_known_good" });
  expect(onDisk.stale_ms).toBeGreaterThanOrEqual(0);
  expect(onDisk.stale_ms).toBeLessThan(30_000);
  const bundled = await connect({ url, bundle }).prompt(USE_CASE);
  expect(bundled).toMatchObject({ number: 1, source: "bundled", stale_ms: null });
  expect(bundled.messages({ ticket: "t" })).toHaveLength(2);

  const empties = { firstWaitMs: 3_000 };
  const empty = connect({ url, ...empties });
  const started = performance.now();
  await expect(empty.prompt(USE_CASE)).rejects.toThrow(/no prompt of ticket-summary.*ECONNREFUSED/);
  expect(performance.now() - started).toBeGreaterThan(empties.firstWaitMs - 100);
  // What was waited for in vain is not waited for again: who asks for the first time is answered later.
  const first = connect({ url, ...empties }).prompt(USE_CASE);
  const again = empty.prompt(USE_CASE);
  const soonest = Promise.race([
    first.catch(() => "the first"),
    again.catch(() => "the one that has waited"),
  ]);
  expect(await soonest).toBe("the one that has waited");
  await expect(again).rejects.toThrow(PromptUnavailableError);
  await expect(first).rejects.toThrow(PromptUnavailableError);
});

test("state that was tampered with is not served, and does no harm", async () => {
  const { url, kill } = await start();
  const stateDir = await folder();
  const before = connect({ url, stateDir });
  await before.prompt(USE_CASE);
  await before.close();
  expect(await readdir(join(stateDir, "production"))).toEqual([`${USE_CASE}.json`]);
  const file = join(stateDir, "production", `${USE_CASE}.json`);
  const stored = await readFile(file, "utf8");
  await kill();

  for (const [text, counts] of [
    [stored.replace('"content":"one"', '"content":"two"'), { hash_mismatches: 1 }],
    [stored.slice(0, -20), { state_failures: 1 }],
    ["[]", { invalid_prompts: 1 }],
  ] as const) {
    await writeFile(file, text);
    const client = connect({ url, stateDir, firstWaitMs: 50 });
    await expect(client.prompt(USE_CASE)).rejects.toThrow(PromptUnavailableError);
    expect(client.stats()).toMatchObject(counts);
  }
});

test("a folder that can't be written is counted, and nothing else happens", async () => {
  const { url } = await start();
  const file = join(await folder(), "a-file");
  await writeFile(file, "");
  const client = connect({ url, stateDir: file });
  expect((await client.prompt(USE_CASE)).source).toBe("live");
  await expect.poll(() => client.stats().state_failures).toBeGreaterThan(0);
});

test("what is not live anywhere is refused with what to do, and waited for", async () => {
  const { url, append } = await start();
  const client = connect({ url, env: "staging", firstWaitMs: 100 });
  await expect(client.prompt(USE_CASE)).rejects.toThrow(
    `nothing of ${USE_CASE} is live in staging: promote a version`,
  );
  await expect(client.prompt("Not A Use Case")).rejects.toThrow(/is not a use case/);
  await append(promoted("two", 0, { env: "staging", isBypass: true, reason: "try it" }));
  await expect
    .poll(() => client.prompt(USE_CASE).catch(() => null))
    .toMatchObject({ number: 2, source: "live" });
});

test("use cases of which nothing is live are named in one warning before anybody asks for them", async () => {
  const { url, append } = await start();
  const warnings: string[] = [];
  connect({
    url,
    env: "staging",
    useCases: [USE_CASE, "never-pushed"],
    onWarning: (message) => warnings.push(message),
  });
  await expect
    .poll(() => warnings)
    .toEqual([`plumbline: nothing of never-pushed, ${USE_CASE} is live in staging: promote a version`]);
  await append(promoted("two", 0, { env: "staging", isBypass: true, reason: "try it" }));
  expect(warnings).toHaveLength(1);
});

test("a script ends although its long poll is open", async () => {
  const { url } = await start();
  const script = `
    import { createClient } from ${JSON.stringify(new URL("node/index.ts", import.meta.url).href)};
    const client = createClient({ url: ${JSON.stringify(url)}, app: "script" });
    console.log((await client.prompt("${USE_CASE}")).number);
    await new Promise((resolve) => setTimeout(resolve, 200));
    console.log((await client.prompt("${USE_CASE}")).source);
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", "--input-type=module", "--eval", script],
    { cwd: fileURLToPath(new URL(".", import.meta.url)), stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  expect([code, printed]).toEqual([0, "1\nlive\n"]);
});
