/** Two registries on a real Kafka: the log decides, both say the same, and both outlive it. */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import type { Clock } from "@plumbline/ports";
import { canonicalJson } from "@plumbline/prompts";
import { createLogger } from "@plumbline/runtime/logger";
import { LiveAnswer } from "@plumbline/schemas";
import { createRegistry, type Registry } from "@plumbline/services/registry/service";
import { stateToJson } from "@plumbline/registry-fold/state";
import { afterAll, expect, test } from "vitest";
import { brokerForTests } from "../kafka/broker-for-tests.ts";
import { race, toNewRecord, USE_CASE, versionOf } from "./commands.ts";

const kafka = await brokerForTests();
afterAll(() => kafka?.stop());

const TOPIC = "plumbline.registry";
const TEXTS = Array.from({ length: 100 }, (_, i) => `candidate ${i}`);
const logger = createLogger("test", "silent");

interface Replica {
  readonly registry: Registry;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** A process of its own would have no more in common with its neighbours: a connection each. */
async function startReplica(clock: Clock = systemClock): Promise<Replica> {
  const log = openKafkaEventLog({ brokers: kafka!.brokers, clientId: "registry-test" });
  const registry = createRegistry({ log, clock, logger, port: 0, timeoutMs: 5_000 });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  return {
    registry,
    url: await registry.url,
    stop: async () => {
      abort.abort();
      await running;
      await log.close();
    },
  };
}

async function post(
  url: string,
  path: string,
  body: unknown,
  key?: string,
): Promise<{ status: number; type: unknown; version: unknown }> {
  const response = await fetch(`${url}/v1/use-cases/${USE_CASE}/${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-plumbline-actor": "ann",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  return { status: response.status, type: answer["type"], version: answer["prompt_version"] };
}

async function live(url: string, query = ""): Promise<string | undefined> {
  const response = await fetch(`${url}/v1/live?use_cases=${USE_CASE}${query}`);
  if (response.status !== 200) return undefined;
  return LiveAnswer.parse(await response.json()).use_cases[USE_CASE]?.live[0]?.prompt_version;
}

test.skipIf(kafka === null)(
  "of a hundred promotions that expect the same revision exactly one wins, on both replicas and after restarts",
  async () => {
    const log = openKafkaEventLog({ brokers: kafka!.brokers, clientId: "registry-test" });
    await log.append(TOPIC, race(TEXTS, new Date()).map(toNewRecord));
    const replicas = [await startReplica(), await startReplica()];
    const answers = await Promise.all(
      TEXTS.map((text, i) =>
        post(replicas[i % 2]!.url, "promote", { prompt_version: versionOf(text), expected_revision: 1 }),
      ),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBe(1);
    expect(
      answers.filter(({ status, type }) => status === 409 && type === "urn:plumbline:stale-revision").length,
    ).toBe(99);

    const [{ high } = { high: 0 }] = await log.watermarks(TOPIC);
    await expect
      .poll(() => replicas.every(({ registry }) => registry.state().next_offset === high))
      .toBe(true);
    const states = replicas.map(({ registry }) => canonicalJson(stateToJson(registry.state())));
    expect(states[0]).toBe(states[1]);

    for (const replica of replicas) await replica.stop();
    const restarted = await startReplica();
    expect(await live(restarted.url)).toBe(won[0]!.version);
    expect(canonicalJson(stateToJson(restarted.registry.state()))).toBe(states[0]);
    await restarted.stop();
    await log.close();
  },
  120_000,
);

test.skipIf(kafka === null)(
  "a rollback at one replica wakes the clients that wait at the other",
  async () => {
    // A client that nothing wakes waits until the test's own time limit; `npm run bench:rollback` measures how soon.
    const endless: Clock = {
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(ms === 30_000 ? Number.MAX_SAFE_INTEGER : ms, signal),
    };
    const replicas = [await startReplica(), await startReplica(endless)];
    const before = await live(replicas[1]!.url);
    const revision = (
      (await (await fetch(`${replicas[1]!.url}/v1/live?use_cases=${USE_CASE}`)).json()) as LiveAnswer
    ).revision;
    const waiting = Promise.all(
      Array.from({ length: 20 }, async () => live(replicas[1]!.url, `&wait=30&since=${revision}`)),
    );
    await expect.poll(() => replicas[1]!.registry.waiting()).toBe(20);
    expect((await post(replicas[0]!.url, "rollback", { reason: "loses amounts" })).status).toBe(200);
    expect(new Set(await waiting)).toEqual(new Set([versionOf("one")]));
    expect(before).not.toBe(versionOf("one"));
    for (const replica of replicas) await replica.stop();
  },
  60_000,
);

test.skipIf(kafka === null || kafka.own === null)(
  "while Kafka is down the registry serves what is live, refuses commands, and takes the repeated one once",
  async () => {
    const broker = kafka!.own!;
    const replica = await startReplica();
    const before = await live(replica.url);
    await broker.kill();
    expect(await live(replica.url)).toBe(before);
    expect((await fetch(`${replica.url}/readyz`)).status).toBe(200);
    const quarantine = { prompt_version: versionOf("candidate 7"), reason: "loses amounts" };
    const refused = await post(replica.url, "quarantine", quarantine, "q1");
    expect([refused.status, refused.type]).toEqual([503, "urn:plumbline:log-unavailable"]);
    expect(await live(replica.url)).toBe(before);

    await broker.restart();
    await expect
      .poll(async () => (await post(replica.url, "quarantine", quarantine, "q1")).status, {
        timeout: 60_000,
        interval: 500,
      })
      .toBe(200);
    const history = (await (
      await fetch(`${replica.url}/v1/use-cases/${USE_CASE}/history?limit=500`)
    ).json()) as { entries: { type: string }[] };
    expect(history.entries.filter(({ type }) => type === "quarantined").length).toBe(1);
    await replica.stop();
  },
  180_000,
);
