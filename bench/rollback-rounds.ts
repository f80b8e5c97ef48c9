/** The rounds of the rollback bench on one log: promote, let it serve, roll back, wait for the last client. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { createRegistry } from "@plumbline/services/registry/service";
import { registered, toNewRecord, USE_CASE, versionOf } from "../test/registry/commands.ts";
import { round } from "./ingest-path.ts";
import { openCallPath } from "./rollback-calls.ts";
import { callMsOf, startFleet } from "./rollback-fleet.ts";

/** How many calls of each application a version serves before it is taken back, and after. */
const SERVE_CALLS = 3;
const BACK_MS_MAX = 20_000;

export interface RollbackMeasure {
  readonly registries: number;
  readonly rounds: number;
  /** Over the rounds, from the command until the last client serves the old version. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** The same, until the last stored call with the version that was taken back. */
  readonly from_calls_p50_ms: number;
  readonly from_calls_p99_ms: number;
  /** Over all clients and rounds. */
  readonly client_p50_ms: number;
  readonly client_p99_ms: number;
  /** Of the above: from the command until it was answered, and until the first client serves the old version. */
  readonly answered_p50_ms: number;
  readonly answered_p99_ms: number;
  readonly first_client_p50_ms: number;
  readonly first_client_p99_ms: number;
  /** Longest turn of the event loop of registry, collector and writer while a rollback was under way, over the rounds. */
  readonly turn_p50_ms: number;
  readonly turn_p99_ms: number;
  /** From the stop of every registry until every client waits again. */
  readonly restart_ms: number;
  readonly calls: number;
  readonly lost: number;
  readonly duplicated: number;
}

interface Running {
  readonly url: string;
  waiting(): number;
  stop(): Promise<void>;
}

async function startRegistry(log: EventLog, port: number): Promise<Running> {
  const logger = createLogger("bench", "error");
  const registry = createRegistry({ log, clock: systemClock, logger, port });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  return {
    url: await registry.url,
    waiting: () => registry.waiting(),
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}

export async function measureRollback(given: {
  /** A registry each. */
  readonly registryLogs: readonly EventLog[];
  readonly callLog: EventLog;
  readonly clients: number;
  readonly rounds: number;
}): Promise<RollbackMeasure> {
  const { registryLogs, callLog, clients, rounds } = given;
  const serveMs = SERVE_CALLS * callMsOf(clients);
  const texts = Array.from({ length: rounds + 1 }, (_, i) => `version ${i}`);
  await callLog.append(
    "plumbline.registry",
    texts.map((text) => toNewRecord(registered(text))),
  );
  const path = await openCallPath(callLog);
  let registries = await Promise.all(registryLogs.map((log) => startRegistry(log, 0)));
  const urls = registries.map(({ url }) => url);
  const fleet = startFleet({ registries: urls, collector: path.collector, clients });

  async function everybodyWaits(): Promise<void> {
    const deadline = performance.now() + BACK_MS_MAX;
    while (registries.reduce((sum, each) => sum + each.waiting(), 0) < clients) {
      if (performance.now() > deadline) throw new Error("a client does not come back");
      await systemClock.sleep(1);
    }
  }
  let revision = 0;
  async function promote(text: string): Promise<void> {
    const bypass = { reason: "a benchmark has nothing to evaluate" };
    const body = { prompt_version: versionOf(text), expected_revision: revision, bypass };
    ({ revision } = await command(urls[0]!, "promote", body));
    await fleet.everybodyServes(versionOf(text));
  }
  /** @returns ms from the stop until every client waits again */
  async function restart(): Promise<number> {
    const started = performance.now();
    await Promise.all(registries.map((running) => running.stop()));
    registries = await Promise.all(
      registryLogs.map((log, i) => startRegistry(log, Number(new URL(urls[i]!).port))),
    );
    await everybodyWaits();
    return performance.now() - started;
  }

  /** When the rollback of each version was commanded, ms since the epoch. */
  const commandedAt = new Map<string, number>();
  const last: number[] = [];
  const each: number[] = [];
  const first: number[] = [];
  const answered: number[] = [];
  const turns: number[] = [];
  const turn = monitorEventLoopDelay({ resolution: 1 });
  let restartMs = 0;
  try {
    await promote(texts[0]!);
    for (let i = 1; i <= rounds; i++) {
      if (i === Math.ceil(rounds / 2)) restartMs = await restart();
      await promote(texts[i]!);
      await systemClock.sleep(serveMs);
      await everybodyWaits();
      const commanded = Date.now();
      commandedAt.set(versionOf(texts[i]!), commanded);
      turn.reset();
      turn.enable();
      ({ revision } = await command(urls[0]!, "rollback", { reason: "bench" }));
      answered.push(Date.now() - commanded);
      const delays = (await fleet.everybodyServes(versionOf(texts[0]!))).map((since) => since - commanded);
      turn.disable();
      turns.push(turn.max / 1e6);
      each.push(...delays);
      first.push(Math.min(...delays));
      last.push(Math.max(...delays));
      await systemClock.sleep(serveMs);
    }
    const emitted = await fleet.stop();
    const { delays: fromCalls, ...counts } = await path.read({ emitted, commandedAt, clients });
    return {
      registries: registries.length,
      rounds,
      p50_ms: quantile(last, 0.5),
      p99_ms: quantile(last, 0.99),
      from_calls_p50_ms: quantile(fromCalls, 0.5),
      from_calls_p99_ms: quantile(fromCalls, 0.99),
      client_p50_ms: quantile(each, 0.5),
      client_p99_ms: quantile(each, 0.99),
      answered_p50_ms: quantile(answered, 0.5),
      answered_p99_ms: quantile(answered, 0.99),
      first_client_p50_ms: quantile(first, 0.5),
      first_client_p99_ms: quantile(first, 0.99),
      turn_p50_ms: quantile(turns, 0.5),
      turn_p99_ms: quantile(turns, 0.99),
      restart_ms: Math.round(restartMs),
      ...counts,
    };
  } finally {
    fleet.kill();
    await Promise.all(registries.map((running) => running.stop()));
    await path.close();
  }
}

async function command(url: string, path: string, body: unknown): Promise<{ revision: number }> {
  const response = await fetch(`${url}/v1/use-cases/${USE_CASE}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "bench" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { revision: number };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN, 1);
}
