/**
 * How long after the command a rollback is everywhere: 200 clients hold a long poll over HTTP, each on a connection
 * of its own, and the time runs until the last one has the old version in hand. Half of the rounds are measured after
 * the registry was stopped and started on the same log in the middle, while the clients kept on asking.
 *
 *   npm run bench:rollback [-- --json] [--kafka host:port,…]
 *
 * With --kafka there are two registries: the command goes to one, half of the clients wait at the other.
 */
import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import type { EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import type { LiveAnswer } from "@plumbline/schemas";
import { createRegistry } from "@plumbline/services/registry/service";
import { registered, toNewRecord, USE_CASE, versionOf } from "../test/registry/commands.ts";

const CLIENTS = 200;
const ROUNDS = 20;
/** A client that lost its registry asks again this much later, ms. */
const RETRY_MS = 100;
const ROUND_MS_MAX = 20_000;
const USE_CASE_PATH = `/v1/use-cases/${USE_CASE}`;

const { values: flags } = parseArgs({ options: { json: { type: "boolean" }, kafka: { type: "string" } } });
const logger = createLogger("bench", "silent");
const folder = await mkdtemp(join(tmpdir(), "plumbline-rollback-"));

interface Running {
  readonly port: number;
  readonly url: string;
  waiting(): number;
  stop(): Promise<void>;
}

async function startRegistry(log: EventLog, port: number): Promise<Running> {
  const registry = createRegistry({ log, clock: systemClock, logger, port });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  const url = await registry.url;
  return {
    port: Number(new URL(url).port),
    url,
    waiting: () => registry.waiting(),
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}

interface Client {
  version: string | undefined;
  /** When it got `version`, by `performance.now`. */
  at: number;
}

/** What the runtime client does, and no more: ask, remember the ETag, ask again. */
async function follow(client: Client, url: string, stop: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let etag: string | undefined;
  while (!stop.aborted) {
    try {
      const answer = await get(`${url}/v1/live?use_cases=${USE_CASE}&wait=30`, etag, agent, stop);
      if (answer.status === 200) {
        const { use_cases } = JSON.parse(answer.body) as LiveAnswer;
        client.version = use_cases[USE_CASE]?.live[0]?.prompt_version;
        client.at = performance.now();
        etag = answer.etag;
      }
    } catch {
      await systemClock.sleep(RETRY_MS, stop);
    }
  }
  agent.destroy();
}

function get(
  url: string,
  etag: string | undefined,
  agent: Agent,
  signal: AbortSignal,
): Promise<{ status: number; etag: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = etag === undefined ? {} : { "if-none-match": etag };
    const request = httpRequest(url, { agent, headers, signal }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, etag: response.headers.etag, body }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end();
  });
}

async function command(url: string, path: string, body: unknown): Promise<{ revision: number }> {
  const response = await fetch(`${url}${USE_CASE_PATH}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "bench" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { revision: number };
}

const logs: EventLog[] =
  flags.kafka === undefined
    ? [await openLmdbEventLog({ path: join(folder, "log"), clock: systemClock })]
    : [1, 2].map(() => openKafkaEventLog({ brokers: flags.kafka!.split(","), clientId: "bench-rollback" }));
const useCaseVersions = Array.from({ length: ROUNDS + 1 }, (_, i) => `bench ${process.pid} version ${i}`);
await logs[0]!.append("plumbline.registry", useCaseVersions.map((text) => toNewRecord({ ...registered(text), event_id: `${process.pid} ${text}` })));

let registries = await Promise.all(logs.map((log) => startRegistry(log, 0)));
const stop = new AbortController();
setMaxListeners(0, stop.signal);
const clients: Client[] = Array.from({ length: CLIENTS }, () => ({ version: undefined, at: 0 }));
const following = clients.map((client, i) => follow(client, registries[i % registries.length]!.url, stop.signal));

async function everybodyHas(version: string): Promise<void> {
  const deadline = performance.now() + ROUND_MS_MAX;
  while (clients.some((client) => client.version !== version)) {
    if (performance.now() > deadline) throw new Error("not every client has the version; see the registry");
    await systemClock.sleep(1);
  }
}

async function everybodyWaits(): Promise<void> {
  while (registries.reduce((sum, each) => sum + each.waiting(), 0) < CLIENTS) await systemClock.sleep(1);
}

const status = (await (await fetch(`${registries[0]!.url}${USE_CASE_PATH}`)).json()) as {
  envs: Record<string, { revision: number }>;
};
const bypass = { reason: "a benchmark has nothing to evaluate" };
const promote = async (text: string, expected_revision: number): Promise<number> =>
  (await command(registries[0]!.url, "promote", { prompt_version: versionOf(text), expected_revision, bypass })).revision;

/** Per round, from the command to the last client; and per client and round. */
const last: number[] = [];
const each: number[] = [];
let restartMs = 0;
let revision = await promote(useCaseVersions[0]!, status.envs["production"]?.revision ?? 0);
await everybodyHas(versionOf(useCaseVersions[0]!));
for (let round = 1; round <= ROUNDS; round++) {
  if (round === ROUNDS / 2) {
    const started = performance.now();
    await Promise.all(registries.map((running) => running.stop()));
    if (flags.kafka === undefined) {
      await logs[0]!.close();
      logs[0] = await openLmdbEventLog({ path: join(folder, "log"), clock: systemClock });
    }
    registries = await Promise.all(registries.map(({ port }, i) => startRegistry(logs[i]!, port)));
    await everybodyWaits();
    restartMs = performance.now() - started;
  }
  await promote(useCaseVersions[round]!, revision);
  await everybodyHas(versionOf(useCaseVersions[round]!));
  await everybodyWaits();
  const given = performance.now();
  ({ revision } = await command(registries[0]!.url, "rollback", { reason: "bench" }));
  await everybodyHas(versionOf(useCaseVersions[0]!));
  const delays = clients.map(({ at }) => at - given);
  each.push(...delays);
  last.push(Math.max(...delays));
  await everybodyWaits();
}
stop.abort();
await Promise.all(following);
await Promise.all(registries.map((running) => running.stop()));
await Promise.all(logs.map((log) => log.close()));
await rm(folder, { recursive: true, force: true });

const result = {
  log: flags.kafka === undefined ? "lmdb" : "kafka",
  registries: logs.length,
  clients: CLIENTS,
  rounds: ROUNDS,
  /** Over the rounds, of the last client. */
  p50_ms: quantile(last, 0.5),
  p99_ms: quantile(last, 0.99),
  /** Over all clients. */
  client_p50_ms: quantile(each, 0.5),
  client_p99_ms: quantile(each, 0.99),
  restart_ms: Math.round(restartMs),
};
for (const [name, value] of Object.entries(result)) process.stderr.write(`${name.padEnd(16)} ${value}\n`);
process.stdout.write(`${flags.json === true ? JSON.stringify(result) : ""}\n`);

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
