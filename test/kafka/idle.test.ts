import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { afterAll, expect, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();
afterAll(() => kafka?.stop());

const IDLE_MS = 2_000;

/** Unguarded, kafkajs arms a timer a millisecond and connection: about 5,000 here. */
const TIMERS_PER_SECOND_MAX = 50;

test.skipIf(kafka === null)("an idle producer and reader leave the timers alone", async () => {
  const log = openKafkaEventLog({ brokers: kafka!.brokers, clientId: "idle" });
  const stop = new AbortController();
  let seen = 0;
  const reading = log.subscribe(
    "plumbline.feedback",
    { group: "idle", signal: stop.signal, onGap: refuseGap },
    async (batch) => {
      seen += batch.records.length;
    },
  );
  await log.append("plumbline.feedback", [{ key: "a", value: new Uint8Array(10) }]);
  await expect.poll(() => seen).toBeGreaterThan(0);

  const { setTimeout: original } = globalThis;
  let armed = 0;
  globalThis.setTimeout = Object.assign((...args: Parameters<typeof original>) => {
    armed += 1;
    return original(...args);
  }, original);
  await new Promise((resolve) => original(resolve, IDLE_MS));
  globalThis.setTimeout = original;

  stop.abort();
  await reading;
  await log.close();
  expect(armed / (IDLE_MS / 1_000)).toBeLessThan(TIMERS_PER_SECOND_MAX);
});
