/** Registry and collector die under an application: no call fails, none is told of twice, and what was told arrives. */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@plumbline/client/node";
import { startScriptedProvider, type ScriptedProvider } from "@plumbline/scripted-provider";
import { afterEach, beforeEach, expect, test } from "vitest";
import { USE_CASE } from "../registry/commands.ts";
import { ask } from "./ask-provider.ts";
import { startInfrastructure, type Infrastructure } from "./infrastructure.ts";

const CALLS = 20;
const POLICY = { deadline_ms: 120_000, attempt_timeout_ms: 60_000, template: { text: "No." } };

let provider: ScriptedProvider;
let infrastructure: Infrastructure;
let stateDir = "";
const clients: Client[] = [];
beforeEach(async () => {
  provider = await startScriptedProvider({ keepsAlive: false });
  infrastructure = await startInfrastructure(POLICY);
  stateDir = await mkdtemp(join(tmpdir(), "plumbline-killed-"));
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close(0);
  await infrastructure.stop();
  await provider.close();
  await rm(stateDir, { recursive: true });
});

function connect(more: { readonly url?: string } = {}) {
  const client = createClient({
    url: infrastructure.collectorUrl,
    registryUrl: infrastructure.registryUrl,
    app: "t",
    stateDir,
    fallbackAfterMs: 10,
    retryBaseMs: 10,
    retryMaxMs: 50,
    telemetry: { retryBaseMs: 10, retryMaxMs: 50 },
    onWarning: () => {},
    ...more,
  });
  clients.push(client);
  const fetch = client.fetch();
  const go = async (): Promise<string[]> => {
    const outcomes = await Promise.all(
      Array.from({ length: CALLS }, () =>
        client.withPolicy(USE_CASE, {
          vars: { ticket: "lamp" },
          call: (given) => ask(fetch, provider.url, "chat", given),
        }),
      ),
    );
    return outcomes.map(({ path, prompt }) => `${path} ${prompt?.source}`);
  };
  return { client, go };
}

const all = (what: string): string[] => Array<string>(CALLS).fill(what);

test("the registry, then the collector dies: every call is answered, and told of once when the collector is back", async () => {
  const { client, go } = connect();
  expect(await go()).toEqual(all("primary live"));
  await infrastructure.killRegistry();
  await expect.poll(() => client.stats().is_connected).toBe(false);
  expect(await go()).toEqual(all("primary cache"));
  await infrastructure.killCollector();
  expect(await go()).toEqual(all("primary cache"));
  await infrastructure.startCollector();
  const calls = await infrastructure.newCalls(3 * CALLS);
  expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(3 * CALLS);
  expect(calls).toHaveLength(3 * CALLS);

  // A fresh process without a registry has the prompt and its policy from the disk.
  await client.close();
  provider.script({ otherwise: { kind: "status", status: 500 } });
  const fresh = connect();
  expect(await fresh.go()).toEqual(all("template last_known_good"));
});

test("a collector that takes connections and answers nothing holds nobody up", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { go, client } = connect({ url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  expect(await go()).toEqual(all("primary live"));
  expect(client.stats().emitter.emitted).toBe(CALLS);
  await client.close(0);
  silent.close();
});
