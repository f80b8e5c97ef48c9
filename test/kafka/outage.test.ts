/** A broker that dies under load: what was acknowledged is there afterwards, and both sides go on by themselves. */
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { LogError, type EventLog, type Position } from "@plumbline/ports";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import { afterAll, expect, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();
afterAll(() => kafka?.stop());

const RECORDS_BEFORE = 500;
const RECORDS_AFTER = 1_000;
const DOWN_MS = 2_000;
/** Longest wait for something that must happen: seconds, and minutes on a busy machine. */
const PATIENCE_MS = 120_000;
const TEST_MS = 4 * PATIENCE_MS;
const TOPIC = "plumbline.calls";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Appends small batches, several at a time, until stopped. */
function startProducer(log: EventLog) {
  const acknowledged = new Map<string, Position>();
  let refused = 0;
  let isStopped = false;
  const append = async (lane: number): Promise<void> => {
    for (let n = 0; !isStopped; n++) {
      const ids = Array.from({ length: 10 }, (_, i) => `${lane}-${n}-${i}`);
      try {
        const positions = await log.append(
          TOPIC,
          ids.map((id) => ({ key: id, value: Buffer.from(id.padEnd(200)) })),
        );
        for (const [i, id] of ids.entries()) acknowledged.set(id, positions[i]!);
      } catch (error) {
        if (!(error instanceof LogError && error.retryable)) throw error;
        refused += ids.length;
        await sleep(100);
      }
    }
  };
  const lanes = Promise.all([0, 1, 2].map(append));
  return {
    acknowledged,
    refused: () => refused,
    /** Resolves when this many more were acknowledged than now. */
    acknowledges: async (count: number) => {
      const wanted = acknowledged.size + count;
      await expect.poll(() => acknowledged.size, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(wanted);
    },
    stop: async () => {
      isStopped = true;
      await lanes;
    },
  };
}

test.skipIf(kafka === null || kafka.own === null)(
  "nothing acknowledged is lost, misplaced or doubled when the broker is killed and comes back",
  async () => {
    const broker = kafka!.own!;
    const log = openKafkaEventLog({ brokers: broker.brokers, clientId: "outage" });
    const stop = new AbortController();
    const seen = new Map<string, number>();
    const committedOffsets = new Map<number, number>();
    const reading = log.subscribe(
      TOPIC,
      { group: "outage", signal: stop.signal, onGap: refuseGap },
      async (batch) => {
        for (const { partition, offset, value } of batch.records) {
          const place = `${partition}:${offset}`;
          seen.set(place, (seen.get(place) ?? 0) + 1);
          expect(Buffer.from(value).toString().trimEnd()).not.toBe("");
        }
        const next = batch.records.at(-1)!.offset + 1;
        try {
          await log.commit("outage", TOPIC, batch.partition, { offset: next, metadata: "" });
          committedOffsets.set(batch.partition, next);
        } catch (error) {
          // The offset stays where it was; the batch comes again.
          if (!(error instanceof LogError && (error.retryable || error.code === "not_assigned"))) throw error;
        }
      },
    );
    reading.catch(() => undefined);

    const producer = startProducer(log);
    await producer.acknowledges(RECORDS_BEFORE);
    // The reader is a member by then: this is about one that loses its broker, not about one that never had it.
    await expect.poll(() => seen.size, { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    await broker.kill();
    await sleep(DOWN_MS);
    await broker.restart();
    // Everything in flight at the kill was given up or repeated by then.
    await producer.acknowledges(RECORDS_AFTER);
    await producer.stop();

    const places = [...producer.acknowledged.values()].map((each) => `${each.partition}:${each.offset}`);
    expect(new Set(places).size).toBe(places.length);
    await expect
      .poll(() => places.filter((place) => !seen.has(place)).length, { timeout: PATIENCE_MS })
      .toBe(0);

    const inLog = new Map<string, string[]>();
    for (const { partition, low, high } of await log.watermarks(TOPIC)) {
      for (const record of await log.read(TOPIC, partition, low, {
        recordsMax: high - low,
        bytesMax: Infinity,
      })) {
        inLog.set(record.key, [...(inLog.get(record.key) ?? []), `${partition}:${record.offset}`]);
      }
    }
    const misplaced = [...producer.acknowledged].filter(
      ([id, { partition, offset }]) => !inLog.get(id)?.includes(`${partition}:${offset}`),
    );
    const doubled = [...producer.acknowledged.keys()].filter((id) => inLog.get(id)!.length > 1);
    expect(misplaced).toEqual([]);
    expect(doubled).toEqual([]);

    // The reader of before the outage still commits.
    const [last] = await log.append(TOPIC, [{ key: "last", value: new Uint8Array(1) }]);
    await expect
      .poll(() => committedOffsets.get(last!.partition), { timeout: PATIENCE_MS })
      .toBe(last!.offset + 1);
    stop.abort();
    await reading;
    await log.close();
    console.log(
      `acknowledged ${places.length}, refused ${producer.refused()}, ` +
        `read more than once ${[...seen.values()].filter((count) => count > 1).length}`,
    );
  },
  TEST_MS,
);

test.skipIf(kafka === null || kafka.own === null)(
  "a reader stops, and the log closes, while there is no broker",
  async () => {
    const broker = kafka!.own!;
    const log = openKafkaEventLog({ brokers: broker.brokers, clientId: "no-broker" });
    await log.append("plumbline.feedback", [{ key: "a", value: new Uint8Array(1) }]);
    const stop = new AbortController();
    let seen = 0;
    const reading = log.subscribe(
      "plumbline.feedback",
      { group: "no-broker", signal: stop.signal, onGap: refuseGap },
      async (batch) => {
        seen += batch.records.length;
      },
    );
    await expect.poll(() => seen, { timeout: PATIENCE_MS }).toBe(1);
    await broker.kill();
    await sleep(DOWN_MS);
    stop.abort();
    await reading;
    await log.close();
    await broker.restart();
  },
  TEST_MS,
);

test.skipIf(kafka === null || kafka.own === null)(
  "appends that wait behind an outage are bounded, and say that the log is full",
  async () => {
    const broker = kafka!.own!;
    const log = openKafkaEventLog({ brokers: broker.brokers, clientId: "full" });
    await log.append(TOPIC, [{ key: "a", value: new Uint8Array(1) }]);
    await broker.kill();
    const large = Array.from({ length: 16 }, (_, i) => ({ key: `${i}`, value: new Uint8Array(1_000_000) }));
    const outcomes = Array.from({ length: 6 }, () => log.append(TOPIC, large).then(() => "ok", codeOf));
    // What was accepted before the limit is written when the broker is back in time.
    await broker.restart();
    const said = await Promise.all(outcomes);
    expect(said.filter((each) => each === "log_full")).toHaveLength(2);
    // Where the broker takes longer than a request may, as on a busy machine, those that wait hear of the outage.
    for (const each of said) expect(["ok", "log_full", "log_unavailable"]).toContain(each);
    await log.close();
  },
  TEST_MS,
);

function codeOf(error: unknown): string {
  return error instanceof LogError ? error.code : String(error);
}
