/**
 * Producers that are not ours write to the topic of calls: every codec, no key or one of theirs, times in any unit. All
 * of it is stored. confluent-kafka comes from PyPI into a folder of its own, kcat is used where it is installed.
 */
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openEmbeddedClickHouse, type EmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createClient } from "@plumbline/adapters/kafka/client";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { run } from "@plumbline/runtime/run";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WriterConfig } from "../../services/writer/config.ts";
import { createEnrichment } from "../../services/writer/calls/enrich-call.ts";
import { createWriter } from "../../services/writer/service.ts";
import { brokerForTests } from "./broker-for-tests.ts";

const CONFLUENT = "confluent-kafka==2.16.1";
const TOPIC = "plumbline.calls";
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const PATIENCE = { timeout: 120_000, interval: 200 };
const TOPIC_RESOURCE = 2;

const kafka = await brokerForTests();
const python = kafka === null ? null : await pythonWithConfluent();
const kcat = await version("kcat", "-V");
if (kcat === null) say("kcat: it is not installed (apt-get install kcat)");
afterAll(() => kafka?.stop());

interface Foreign {
  readonly key: string | null;
  readonly value: string;
  readonly timestamp: number | null;
}

describe.skipIf(kafka === null)("a foreign producer's calls are stored", () => {
  let folder: string;
  let clickhouse: EmbeddedClickHouse;
  const stop = new AbortController();
  let running: Promise<unknown>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "plumbline-foreign-"));
    clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
    const store = createClickHouseStore(clickhouse);
    await store.migrate();
    await keepProducersTimes();
    const logger = createLogger("foreign", "error");
    const log = openKafkaEventLog({ brokers: kafka!.brokers, clientId: "foreign", logger });
    const writer = createWriter({
      log,
      store,
      clock: systemClock,
      logger,
      enrichment: createEnrichment(loadConfig(WriterConfig, {})),
    });
    const resources = [
      { name: "store", close: () => store.close() },
      { name: "log", close: () => log.close() },
    ];
    running = run([writer], { logger, stop: stop.signal, drainMs: 60_000, resources });
    running.catch(() => undefined);
  }, 300_000);

  afterAll(async () => {
    stop.abort();
    await running;
    await rm(folder, { recursive: true });
  }, 120_000);

  /** Ours keep the log's own time; a topic that others made may keep whatever a producer writes. */
  async function keepProducersTimes(): Promise<void> {
    const admin = createClient({ brokers: kafka!.brokers, clientId: "foreign-admin" }, SILENT).admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: TOPIC_RESOURCE,
          name: TOPIC,
          configEntries: [
            { name: "message.timestamp.type", value: "CreateTime" },
            { name: "message.timestamp.after.max.ms", value: "9223372036854775807" },
            { name: "retention.ms", value: "-1" },
            { name: "max.message.bytes", value: "2000000" },
          ],
        },
      ],
    });
    await admin.disconnect();
  }

  async function stored(useCase: string): Promise<readonly unknown[]> {
    return clickhouse.query(
      "SELECT count() AS calls, uniqExact(call_id) AS ids, countIf(ingested_at > now() - INTERVAL 1 HOUR AND ingested_at < now() + INTERVAL 1 HOUR) AS today " +
        `FROM plumbline_raw.calls WHERE use_case = '${useCase}'`,
    );
  }

  test.skipIf(python === null).each(CODECS)(
    "by confluent-kafka with %s, whatever key and time",
    async (codec) => {
      const useCase = `foreign-${codec}`;
      const now = Date.now();
      const times = [null, -1, Math.floor(now / 1_000), now, now * 1_000, now * 1_000_000];
      const records: Foreign[] = [];
      for (let i = 0; i < 50; i++) {
        for (const timestamp of times) {
          const call = newCall(useCase);
          for (const key of [null, "somebody-else", call.call_id]) {
            const own = key === call.call_id ? call : newCall(useCase);
            records.push({ key, value: JSON.stringify(own), timestamp });
          }
        }
      }
      expect(await produce(codec, records)).toBe(records.length);
      await expect
        .poll(() => stored(useCase), PATIENCE)
        .toEqual([{ calls: records.length, ids: records.length, today: records.length }]);
    },
    300_000,
  );

  test("by kafkajs with a time of 0 and gzip", async () => {
    const producer = createClient(
      { brokers: kafka!.brokers, clientId: "foreign-kafkajs" },
      SILENT,
    ).producer();
    await producer.connect();
    const messages = Array.from({ length: 100 }, () => ({
      key: null,
      value: JSON.stringify(newCall("foreign-kafkajs")),
      timestamp: "0",
    }));
    await producer.send({ topic: TOPIC, compression: 1, messages });
    await producer.disconnect();
    await expect
      .poll(() => stored("foreign-kafkajs"), PATIENCE)
      .toEqual([{ calls: 100, ids: 100, today: 100 }]);
  }, 180_000);

  test.skipIf(kcat === null).each(CODECS)(
    "by kcat with %s",
    async (codec) => {
      const useCase = `kcat-${codec}`;
      const lines = Array.from({ length: 100 }, () => JSON.stringify(newCall(useCase)));
      await pipe("kcat", ["-b", kafka!.brokers.join(","), "-t", TOPIC, "-P", "-z", codec], lines);
      await expect.poll(() => stored(useCase), PATIENCE).toEqual([{ calls: 100, ids: 100, today: 100 }]);
    },
    180_000,
  );

  async function produce(codec: string, records: readonly Foreign[]): Promise<number> {
    const script = fileURLToPath(new URL("foreign-producer.py", import.meta.url));
    const lines = records.map((record) => JSON.stringify(record));
    return Number(await pipe(python!, [script, kafka!.brokers.join(","), TOPIC, codec], lines));
  }
});

function newCall(useCase: string) {
  return {
    call_id: randomUUID(),
    schema_version: 1,
    started_at: new Date().toISOString(),
    env: "production",
    app: "foreign",
    use_case: useCase,
    provider: "openai",
    model: "gpt-5-mini",
    path: "primary",
    status: "ok",
    latency_ms: 12,
    input: "The customer was charged twice. ".repeat(20),
    output: "Refund one of the two charges.",
  };
}

/** @returns what the command printed */
async function pipe(command: string, args: readonly string[], lines: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.end(lines.map((line) => `${line}\n`).join(""));
  expect(await ended).toBe(0);
  return printed.trim();
}

async function version(command: string, flag: string): Promise<string | null> {
  try {
    return (await promisify(execFile)(command, [flag])).stdout;
  } catch {
    return null;
  }
}

/** A Python with the client, made on first use and kept for the next run; null, said loudly, where it can't be made. */
async function pythonWithConfluent(): Promise<string | null> {
  const kept = join(tmpdir(), `plumbline-${CONFLUENT.replace("==", "-")}`);
  const interpreter = join(kept, "bin", "python");
  if (existsSync(interpreter)) return interpreter;
  if ((await version("python3", "--version")) === null) return say("confluent-kafka: there is no python3");
  const made = await mkdtemp(join(tmpdir(), "plumbline-venv-"));
  try {
    await promisify(execFile)("python3", ["-m", "venv", made]);
    await promisify(execFile)(join(made, "bin", "python"), ["-m", "pip", "install", "--quiet", CONFLUENT], {
      timeout: 240_000,
    });
    await rename(made, kept);
    return interpreter;
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Another run was faster.
    if (existsSync(interpreter)) return interpreter;
    return say(`${CONFLUENT}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function say(problem: string): null {
  process.stderr.write(`\n!!! SKIPPING tests with a foreign producer, ${problem}\n\n`);
  return null;
}
