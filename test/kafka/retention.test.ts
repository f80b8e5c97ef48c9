/** Retention that overtakes a writer which runs, and waits for its store: what was removed is counted, and nothing else is missing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createClient } from "@plumbline/adapters/kafka/client";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { afterAll, expect, test, vi } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";
import { killServices, startService } from "./service-process.ts";

const TOPIC = "plumbline.calls";
const WAIT = { timeout: 120_000, interval: 100 };
/** Records that are left of the ones that nobody has read, in each partition. */
const KEPT = 5;

const kafka = await brokerForTests();
afterAll(async () => {
  killServices();
  await kafka?.stop();
});

test.skipIf(kafka === null)(
  "records that Kafka removes before a running writer read them are a counted gap; the writer goes on and stores the rest",
  { timeout: 400_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "plumbline-kafka-retention-"));
    const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
    const logger = createLogger("test", "silent");
    let front = await serveClickHouse(clickhouse, { logger, readOnly: false });
    const port = Number(new URL(front.url).port);
    const environment = {
      PLUMBLINE_KAFKA_BROKERS: kafka!.brokers.join(","),
      PLUMBLINE_CLICKHOUSE_URL: front.url,
      PLUMBLINE_METRICS_PORT: "0",
    };
    expect(await startService("migrate", environment).exitCode).toBe(0);
    const log = openKafkaEventLog({ brokers: kafka!.brokers, clientId: "retention-test" });
    const writer = startService("writer", environment);

    let sent = 0;
    async function append(count: number): Promise<void> {
      const records = Array.from({ length: count }, () => {
        const call_id = `0198f3a0-0000-7000-8000-${String(sent++).padStart(12, "0")}`;
        return { key: call_id, value: Buffer.from(JSON.stringify(call(call_id))) };
      });
      await log.append(TOPIC, records);
    }

    async function storedOffsets(): Promise<ReadonlySet<string>> {
      const rows = await clickhouse.query(
        "SELECT concat(toString(log_partition), ':', toString(log_offset)) AS place FROM plumbline_raw.calls",
      );
      return new Set(rows.map(({ place }) => String(place)));
    }

    await append(40);
    await vi.waitFor(async () => expect((await storedOffsets()).size).toBe(40), WAIT);

    // The store goes away; in every partition the writer holds a batch that it can't store, and reads no further.
    await front.close();
    await append(40);
    const marks = await log.watermarks(TOPIC);
    await vi.waitFor(() => {
      for (const { partition } of marks)
        expect(writer.output()).toMatch(
          new RegExp(
            `"topic":"${TOPIC}","log_partition":${partition},[^\\n]*"writer\\.(?:insert_failed|paused)"`,
          ),
        );
    }, WAIT);
    await append(200);
    const lows = new Map(
      (await log.watermarks(TOPIC)).map(({ partition, high }) => [partition, high - KEPT] as const),
    );
    await removeBelow(lows);
    await append(30);
    front = await serveClickHouse(clickhouse, { logger, readOnly: false, port });

    // Everything that the log still has.
    const expected = (await log.watermarks(TOPIC)).flatMap(({ partition, low, high }) =>
      Array.from({ length: high - low }, (_, i) => `${partition}:${low + i}`),
    );
    await vi.waitFor(async () => {
      expect(writer.isAlive(), writer.output()).toBe(true);
      const stored = await storedOffsets();
      expect(expected.filter((place) => !stored.has(place))).toEqual([]);
    }, WAIT);

    const stored = await storedOffsets();
    const missing = (await log.watermarks(TOPIC)).flatMap(({ partition, high }) =>
      Array.from({ length: high }, (_, offset) => offset)
        .filter((offset) => !stored.has(`${partition}:${offset}`))
        .map((offset) => ({ partition, offset })),
    );
    expect(missing.length).toBeGreaterThan(100);
    expect(missing.filter(({ partition, offset }) => offset >= (lows.get(partition) ?? 0))).toEqual([]);
    // What was stored before, and what the writer held, is not among them.
    expect(stored.size).toBe(sent - missing.length);
    expect(stored.size).toBeGreaterThanOrEqual(80 + 30);
    const [row] = await clickhouse.query(
      `SELECT sum(to_offset - from_offset + 1 - rows - duplicates - dead_letters) AS counted
       FROM plumbline_raw.ingest_audit FINAL WHERE topic = '${TOPIC}'`,
    );
    expect(row).toEqual({ counted: missing.length });
    const said = [
      ...writer.output().matchAll(/"offsets":(\d+),"reason":"expired"[^\n]*"writer\.records_missing"/g),
    ];
    expect(said.reduce((sum, [, offsets]) => sum + Number(offsets), 0)).toBe(missing.length);

    expect(await writer.terminate()).toBe(0);
    await log.close();
    await front.close();
    await clickhouse.close();
    await rm(folder, { recursive: true, force: true });
  },
);

/** Removes the records of each partition below an offset, as retention does. */
async function removeBelow(offsets: ReadonlyMap<number, number>): Promise<void> {
  const admin = createClient({ brokers: kafka!.brokers, clientId: "retention" }, SILENT).admin();
  await admin.connect();
  // kafkajs knows the leaders of a topic only after it asked for something of it.
  await admin.fetchTopicOffsets(TOPIC);
  const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
  await admin.deleteTopicRecords({ topic: TOPIC, partitions });
  await admin.disconnect();
}

const call = (call_id: string) => ({
  call_id,
  started_at: new Date().toISOString(),
  app: "support",
  use_case: "ticket-summary",
  prompt_version: "v1",
  model: "gpt-5-mini",
  status: "ok",
  latency_ms: 812,
  input: "Charged twice.",
  output: "Refund.",
});
