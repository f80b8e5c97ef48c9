/** The rounds of the rollback bench on one log: promote, let it serve, roll back, wait for the last client. */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { createRegistry } from "@plumbline/services/registry/service";
import { registered, toNewRecord, USE_CASE, versionOf } from "../test/registry/commands.ts";
import { round } from "./ingest-path.ts";
import { openCallPath } from "./rollback-calls.ts";
import { CALL_MS, startFleet } from "./rollback-fleet.ts";

const ROUNDS = 30;
/** How long a version serves before it is taken back, and after. */
const SERVE_MS = 3 * CALL_MS;
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
}): Promise<RollbackMeasure> {
  const { registryLogs, callLog, clients } = given;
  const texts = Array.from({ length: ROUNDS + 1 }, (_, i) => `version ${i}`);
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
  let restartMs = 0;
  try {
    await promote(texts[0]!);
    for (let i = 1; i <= ROUNDS; i++) {
      if (i === ROUNDS / 2) restartMs = await restart();
      await promote(texts[i]!);
      await systemClock.sleep(SERVE_MS);
      await everybodyWaits();
      const commanded = Date.now();
      commandedAt.set(versionOf(texts[i]!), commanded);
      ({ revision } = await command(urls[0]!, "rollback", { reason: "bench" }));
      const delays = (await fleet.everybodyServes(versionOf(texts[0]!))).map((since) => since - commanded);
      each.push(...delays);
      last.push(Math.max(...delays));
      await systemClock.sleep(SERVE_MS);
    }
    const emitted = await fleet.stop();
    const { delays: fromCalls, ...counts } = await path.read({ emitted, commandedAt, clients });
    return {
      registries: registries.length,
      rounds: ROUNDS,
      p50_ms: quantile(last, 0.5),
      p99_ms: quantile(last, 0.99),
      from_calls_p50_ms: quantile(fromCalls, 0.5),
      from_calls_p99_ms: quantile(fromCalls, 0.99),
      client_p50_ms: quantile(each, 0.5),
      client_p99_ms: quantile(each, 0.99),
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
