/**
 * Erasure as it is deployed: registry, writer and collector as processes, Kafka between them, ClickHouse over HTTP. Kafka's
 * records can't be changed, so what is erased must stay away however often they are delivered again.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createLogger } from "@plumbline/runtime/logger";
import { ErasureAnswer } from "@plumbline/schemas";
import { afterAll, expect, test, vi } from "vitest";
import { runCli } from "../../packages/cli/run-cli.ts";
import { brokerForTests } from "./broker-for-tests.ts";
import { killServices, startService } from "./service-process.ts";

const SECRET = "zyxwanda 98765";
const KEPT = "kept-words 11111";
const WAIT = { timeout: 120_000, interval: 200 };

const kafka = await brokerForTests();
afterAll(async () => {
  killServices();
  await kafka?.stop();
});

const call = (n: number, text: string, conversation_id: string) => ({
  call_id: `0198f3a0-0000-7000-8000-00000000000${n}`,
  started_at: new Date().toISOString(),
  app: "support",
  use_case: "ticket-summary",
  model: "gpt-5-mini",
  status: "ok",
  latency_ms: 812,
  input: `The customer ${text} was charged twice.`,
  output: `Charged twice: ${text}.`,
  attributes: { customer: text.split(" ")[0] },
  conversation_id,
});

test.skipIf(kafka === null)(
  "what is erased is gone from ClickHouse, and stays gone when Kafka delivers all of it again to a writer that was killed",
  { timeout: 600_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "plumbline-kafka-erase-"));
    const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
    const front = await serveClickHouse(clickhouse, {
      logger: createLogger("test", "silent"),
      readOnly: false,
    });
    const environment = {
      PLUMBLINE_KAFKA_BROKERS: kafka!.brokers.join(","),
      PLUMBLINE_KAFKA_REPLICATION: "1",
      PLUMBLINE_KAFKA_SESSION_MS: "6000",
      PLUMBLINE_CLICKHOUSE_URL: front.url,
      PLUMBLINE_COLLECTOR_HOST: "127.0.0.1",
      PLUMBLINE_COLLECTOR_PORT: "0",
      PLUMBLINE_REGISTRY_PORT: "0",
      PLUMBLINE_REGISTRY_SNAPSHOT: "",
      PLUMBLINE_METRICS_PORT: "0",
    };
    expect(await startService("migrate", environment).exitCode).toBe(0);
    const collector = startService("collector", environment);
    const registry = startService("registry", environment);
    let writer = startService("writer", environment);
    const processes = () => [collector, registry, writer];

    async function send(path: string, body: unknown): Promise<void> {
      const headers = { "content-type": "application/json" };
      const url = `${await collector.url}${path}`;
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      expect({ status: response.status, body: await response.text() }).toMatchObject({ status: 200 });
    }

    async function stored(): Promise<{ calls: number; texts: string }> {
      const tables = ["calls", "call_payloads", "feedback"];
      const all = await Promise.all(
        tables.map((table) => clickhouse.query(`SELECT * FROM plumbline_raw.${table} FINAL`)),
      );
      return { calls: all[0]!.length, texts: JSON.stringify(all) };
    }

    const calls = [call(1, SECRET, "conversation-one"), call(2, KEPT, "conversation-two")];
    await send("/v1/calls", calls);
    const feedback = calls.map(({ call_id, input }) => ({
      feedback_id: `of ${call_id}`,
      call_id,
      kind: "thumb",
      value: 0,
      use_case: "ticket-summary",
      given_at: new Date().toISOString(),
      comment: input,
    }));
    await send("/v1/feedback", feedback);
    await vi.waitFor(async () => {
      for (const each of processes()) expect(each.isAlive(), each.output()).toBe(true);
      const [row] = await clickhouse.query(
        "SELECT (SELECT count() FROM plumbline_raw.call_payloads) AS texts, (SELECT count() FROM plumbline_raw.feedback) AS comments",
      );
      expect(row).toEqual({ texts: 2, comments: 2 });
    }, WAIT);
    expect((await stored()).texts).toContain(SECRET);

    const done = await erase(await registry.url, folder);
    const removed = Object.fromEntries(done.places.map((place) => [place.place, place.removed]));
    expect(removed).toMatchObject({ calls: 1, call_payloads: 1, feedback: 1, "plumbline.calls": 0 });
    // Kafka keeps the record until its retention, and the answer says so.
    expect(done.places.find(({ place }) => place === "plumbline.calls")?.remains).toContain("by retention");
    await expectErased();

    // Everything comes again: to an empty ClickHouse, and to a writer that knows of the erasure from the log alone.
    await writer.kill();
    for (const table of ["calls", "call_payloads", "feedback", "ingest_audit"])
      await clickhouse.command(`TRUNCATE TABLE plumbline_raw.${table}`);
    writer = startService("writer", environment);
    await send("/v1/calls", [
      { ...call(3, SECRET, "conversation-one"), started_at: calls[0]!.started_at },
      calls[0],
    ]);
    // On Kafka a partition is taken over with its first record.
    await send("/v1/feedback", { ...feedback[1], feedback_id: "one more" });
    await vi.waitFor(async () => expect((await stored()).calls).toBe(3), WAIT);
    await vi.waitFor(async () => expect((await stored()).texts).toContain(`of ${calls[0]!.call_id}`), WAIT);
    await expectErased();

    expect(await Promise.all(processes().map((each) => each.terminate()))).toEqual([0, 0, 0]);
    for (const each of processes()) expect(each.output()).not.toContain(SECRET);
    await front.close();
    await clickhouse.close();
    await rm(folder, { recursive: true, force: true });

    async function expectErased(): Promise<void> {
      const { texts } = await stored();
      for (const word of [...SECRET.split(" "), "conversation-one"]) expect(texts).not.toContain(word);
      for (const word of [...KEPT.split(" "), "conversation-two"]) expect(texts).toContain(word);
    }
  },
);

/** `plumbline erase` of the conversation with the secret. */
async function erase(registryUrl: string, directory: string): Promise<ErasureAnswer> {
  let stdout = "";
  let errors = "";
  const exitCode = await runCli(
    ["erase", "--conversation", "conversation-one", "--registry", registryUrl, "--json"],
    {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (errors += text) },
      stdin: new PassThrough(),
      environment: {},
      directory,
      signal: new AbortController().signal,
    },
    systemClock,
  );
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
  return ErasureAnswer.parse((JSON.parse(stdout) as { data: unknown }).data);
}
