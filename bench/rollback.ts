/**
 * How long after the command a rollback is everywhere: clients hold a long poll over HTTP, each on a connection of its
 * own, and the time runs until the last one has the old version in hand. In the middle every registry is stopped and
 * started again, on lmdb with its log, while the clients go on asking; the other half of the rounds follows that.
 *
 * On Kafka there are two registries: the command goes to one, half of the clients wait at the other.
 *
 *   npm run bench:rollback [-- --json] [--clients 200] [--log lmdb|kafka]
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
import { brokerForTests } from "../test/kafka/broker-for-tests.ts";
import { registered, toNewRecord, USE_CASE, versionOf } from "../test/registry/commands.ts";

const ROUNDS = 20;
/** A client that lost its registry asks again this much later, ms. */
const RETRY_MS = 100;
const ROUND_MS_MAX = 20_000;
const USE_CASE_PATH = `/v1/use-cases/${USE_CASE}`;

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    clients: { type: "string", default: "200" },
    log: { type: "string" },
  },
});
const CLIENTS = Number(flags.clients);
const logger = createLogger("bench", "silent");

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
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, etag: response.headers.etag, body }),
      );
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

/** Logs that a registry each works on, and how to open them again after a stop. */
interface Bench {
  readonly logs: readonly EventLog[];
  reopen(): Promise<readonly EventLog[]>;
}

interface Result {
  readonly registries: number;
  readonly rounds: number;
  /** Over the rounds, of the last client. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Over all clients and rounds. */
  readonly client_p50_ms: number;
  readonly client_p99_ms: number;
  /** From the stop of every registry until every client waits again. */
  readonly restart_ms: number;
}

async function measure(bench: Bench): Promise<Result> {
  let { logs } = bench;
  const texts = Array.from({ length: ROUNDS + 1 }, (_, i) => `version ${i}`);
  await logs[0]!.append(
    "plumbline.registry",
    texts.map((text) => toNewRecord(registered(text))),
  );
  let registries = await Promise.all(logs.map((log) => startRegistry(log, 0)));
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const clients: Client[] = Array.from({ length: CLIENTS }, () => ({ version: undefined, at: 0 }));
  const following = clients.map((client, i) =>
    follow(client, registries[i % registries.length]!.url, stop.signal),
  );

  async function everybodyHas(text: string): Promise<void> {
    const version = versionOf(text);
    const deadline = performance.now() + ROUND_MS_MAX;
    while (clients.some((client) => client.version !== version)) {
      if (performance.now() > deadline) throw new Error("a client does not hear of the change");
      await systemClock.sleep(1);
    }
  }
  async function everybodyWaits(): Promise<void> {
    const deadline = performance.now() + ROUND_MS_MAX;
    while (registries.reduce((sum, each) => sum + each.waiting(), 0) < CLIENTS) {
      if (performance.now() > deadline) throw new Error("a client does not come back");
      await systemClock.sleep(1);
    }
  }
  let revision = 0;
  async function promote(text: string): Promise<void> {
    const bypass = { reason: "a benchmark has nothing to evaluate" };
    const body = { prompt_version: versionOf(text), expected_revision: revision, bypass };
    ({ revision } = await command(registries[0]!.url, "promote", body));
    await everybodyHas(text);
  }

  const last: number[] = [];
  const each: number[] = [];
  let restartMs = 0;
  await promote(texts[0]!);
  for (let round = 1; round <= ROUNDS; round++) {
    if (round === ROUNDS / 2) {
      const started = performance.now();
      const ports = registries.map(({ port }) => port);
      await Promise.all(registries.map((running) => running.stop()));
      logs = await bench.reopen();
      registries = await Promise.all(ports.map((port, i) => startRegistry(logs[i]!, port)));
      await everybodyWaits();
      restartMs = performance.now() - started;
    }
    await promote(texts[round]!);
    await everybodyWaits();
    const given = performance.now();
    ({ revision } = await command(registries[0]!.url, "rollback", { reason: "bench" }));
    await everybodyHas(texts[0]!);
    const delays = clients.map(({ at }) => at - given);
    each.push(...delays);
    last.push(Math.max(...delays));
    await everybodyWaits();
  }
  stop.abort();
  await Promise.all(following);
  await Promise.all(registries.map((running) => running.stop()));
  await Promise.all(logs.map((log) => log.close()));
  return {
    registries: registries.length,
    rounds: ROUNDS,
    p50_ms: quantile(last, 0.5),
    p99_ms: quantile(last, 0.99),
    client_p50_ms: quantile(each, 0.5),
    client_p99_ms: quantile(each, 0.99),
    restart_ms: Math.round(restartMs),
  };
}

async function onLmdb(): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-rollback-"));
  const open = async (): Promise<EventLog[]> => [
    await openLmdbEventLog({ path: join(folder, "log"), clock: systemClock }),
  ];
  const logs = await open();
  try {
    return await measure({
      logs,
      async reopen() {
        await logs[0]!.close();
        return open();
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns null without a Kafka; it says why on standard error */
async function onKafka(): Promise<Result | null> {
  const kafka = await brokerForTests();
  // A topic that is in use already would not begin at revision 0.
  if (kafka === null || kafka.own === null) return null;
  try {
    const logs = [1, 2].map(() => openKafkaEventLog({ brokers: kafka.brokers, clientId: "bench-rollback" }));
    return await measure({ logs, reopen: async () => logs });
  } finally {
    await kafka.stop();
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}

const logs: Readonly<Record<string, Result | null>> = {
  ...(flags.log === "kafka" ? {} : { lmdb: await onLmdb() }),
  ...(flags.log === "lmdb" ? {} : { kafka: await onKafka() }),
};
const measured = Object.values(logs).filter((result) => result !== null);
const result = {
  clients: CLIENTS,
  // Of the slower log.
  p50_ms: Math.max(...measured.map(({ p50_ms }) => p50_ms)),
  p99_ms: Math.max(...measured.map(({ p99_ms }) => p99_ms)),
  logs,
};
for (const [log, numbers] of Object.entries(logs)) {
  for (const [name, value] of Object.entries(numbers ?? { skipped: "no Kafka here" })) {
    process.stderr.write(`${log.padEnd(8)} ${name.padEnd(16)} ${value}\n`);
  }
}
process.stdout.write(`${flags.json ? JSON.stringify(result) : ""}\n`);
