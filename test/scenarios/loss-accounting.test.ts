/**
 * Loss, counted: real emitters against a real collector that is away, full or slow, the log in lmdb, the store
 * in-process, and what `plumbline.delivery_v1` says afterwards. The log's clock and the emitters' stand an hour back,
 * so that nothing is on its way any more when the view looks.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { createEmitter, createHttpTransport, type EmitterOptions, type NewCall } from "@plumbline/emitter";
import { LogError, type Clock, type EventLog } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { createCollector } from "@plumbline/services/collector/service";
import { WriterConfig } from "@plumbline/services/writer/config";
import { createEnrichment } from "@plumbline/services/writer/calls/enrich-call";
import { createWriter } from "@plumbline/services/writer/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

const HOUR_MS = 3_600_000;
const earlier: Clock = { ...systemClock, now: () => systemClock.now() - HOUR_MS };
const logger = createLogger("loss", "silent");
const CALL: NewCall = { use_case: "ticket-summary", model: "gpt-5-mini", status: "ok", latency_ms: 800 };

let folder: string;
let clickhouse: EmbeddedClickHouse;
let log: EventLog;
let url: string;
let isFull = false;
const stop = new AbortController();
const running: Promise<void>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-loss-"));
  clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
  const store = createClickHouseStore(clickhouse);
  await store.migrate();
  const lmdb = await openLmdbEventLog({ path: join(folder, "log"), clock: earlier });
  log = lmdb;
  const collector = createCollector({
    log: {
      assertAppendable: async (topic) => lmdb.assertAppendable(topic),
      append: async (topic, records) => {
        if (isFull) throw new LogError("log_full", "the disk is full", { retryable: true });
        return lmdb.append(topic, records);
      },
    },
    clock: earlier,
    logger,
    port: 0,
  });
  const writer = createWriter({
    log,
    store,
    clock: systemClock,
    logger,
    enrichment: createEnrichment(loadConfig(WriterConfig, {})),
  });
  running.push(collector.run(stop.signal), writer.run(stop.signal));
  url = await collector.url;
});

afterAll(async () => {
  stop.abort();
  await Promise.all(running);
  await log.close();
  await clickhouse.close();
  await rm(folder, { recursive: true });
});

const quick = {
  retryBaseMs: 5,
  retryMaxMs: 20,
  now: () => earlier.now(),
  onWarning: () => undefined,
} satisfies Partial<EmitterOptions>;

interface Delivered {
  readonly emitters: number;
  readonly emitted: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly dropped: number;
  readonly dropped_by_reason: Readonly<Record<string, number>>;
  readonly rejected: number;
  readonly missing: number;
  readonly duplicates: number;
  readonly dead_letters: number;
}

/** The hours of an application added up, once its `stored` calls are there. */
async function delivered(app: string, stored: number): Promise<Delivered> {
  const total = async (): Promise<Delivered> => {
    const [row] = await clickhouse.query(
      `SELECT sum(emitters) AS emitters, sum(emitted) AS emitted, sum(acknowledged) AS acknowledged, sum(stored) AS stored,
        sum(dropped) AS dropped, sumMap(dropped_by_reason) AS dropped_by_reason, sum(rejected) AS rejected,
        sum(missing) AS missing, sum(duplicates) AS duplicates, sum(dead_letters) AS dead_letters
       FROM plumbline.delivery_v1 WHERE app = {name:String}`,
      { name: app },
    );
    return row as unknown as Delivered;
  };
  await vi.waitFor(async () => expect((await total()).stored).toBe(stored), {
    timeout: 60_000,
    interval: 100,
  });
  return total();
}

test("a collector that is full makes an emitter drop its oldest calls, and the view says how many and why", async () => {
  const emitter = createEmitter({ ...quick, app: "full", url, queueMax: 50, flushAt: 10 });
  isFull = true;
  for (let n = 0; n < 200; n++) emitter.emit(CALL);
  await emitter.flush(50);
  isFull = false;
  // A full collector that has answered by now asks for half a minute.
  await emitter.flush(60_000);
  // The next call carries what was counted after the last report.
  emitter.emit(CALL);
  await emitter.close(60_000);
  const { acknowledged, dropped } = emitter.stats();
  expect(dropped.queue_full).toBeGreaterThanOrEqual(140);
  expect(await delivered("full", acknowledged)).toMatchObject({
    emitters: 1,
    emitted: 201,
    stored: acknowledged,
    acknowledged: acknowledged - 1,
    dropped: dropped.queue_full,
    dropped_by_reason: { queue_full: dropped.queue_full },
    rejected: 0,
    missing: 0,
  });
});

test("a collector that is away or slow costs what does not fit the queue, whatever the retries", async () => {
  let answers = 0;
  const transport = createHttpTransport({
    url,
    fetch: async (address, init) => {
      answers += 1;
      // Away, then too slow to be waited for: the request is stored although nobody hears so, and sent again.
      if (answers <= 3) throw new TypeError("fetch failed");
      if (answers <= 6) {
        await fetch(address, { ...init, signal: null });
        throw new TypeError("no answer in time");
      }
      return fetch(address, init);
    },
  });
  const emitter = createEmitter({ ...quick, app: "away", transport, queueMax: 50, flushAt: 10 });
  for (let n = 0; n < 120; n++) emitter.emit(CALL);
  await emitter.flush();
  emitter.emit(CALL);
  await emitter.close();
  const { acknowledged, dropped, retries } = emitter.stats();
  expect(retries).toBeGreaterThanOrEqual(6);
  expect(await delivered("away", acknowledged)).toMatchObject({
    emitted: 121,
    stored: 121 - dropped.queue_full,
    dropped: dropped.queue_full,
    missing: 0,
  });
});

test("calls that the application's own code keeps back or that no collector takes have reasons of their own", async () => {
  const emitter = createEmitter({
    ...quick,
    app: "reasons",
    url,
    redact: (call) => (call.input === "secret" ? null : call),
  });
  emitter.emit({ ...CALL, input: "secret" });
  emitter.emit({ ...CALL, latency_ms: -1 });
  emitter.emit({ ...CALL, attributes: { n: 1n as unknown as string } });
  emitter.emit(CALL);
  await emitter.flush();
  emitter.emit(CALL);
  await emitter.close();
  expect(await delivered("reasons", 2)).toMatchObject({
    emitted: 5,
    stored: 2,
    dropped: 2,
    dropped_by_reason: { redacted: 1, not_json: 1 },
    rejected: 1,
    missing: 0,
  });
});

test("two emitters of one application, and one that starts anew, are counted apart and added up", async () => {
  const first = createEmitter({ ...quick, app: "two", url });
  const second = createEmitter({ ...quick, app: "two", url });
  for (let n = 0; n < 30; n++) first.emit(CALL);
  for (let n = 0; n < 20; n++) second.emit(CALL);
  await Promise.all([first.close(), second.close()]);
  const restarted = createEmitter({ ...quick, app: "two", url });
  for (let n = 0; n < 10; n++) restarted.emit(CALL);
  await restarted.close();
  expect(await delivered("two", 60)).toMatchObject({ emitters: 3, emitted: 60, stored: 60, missing: 0 });
});

test("calls that are sent twice count once", async () => {
  const bodies: (string | ArrayBuffer)[] = [];
  const transport = createHttpTransport({
    url,
    fetch: async (address, init) => {
      bodies.push(init?.body as string);
      await fetch(address, init);
      return fetch(address, init);
    },
  });
  const emitter = createEmitter({ ...quick, app: "repeats", transport });
  for (let n = 0; n < 40; n++) emitter.emit(CALL);
  await emitter.close();
  await vi.waitFor(
    async () =>
      expect(await delivered("repeats", 40)).toMatchObject({
        emitted: 40,
        stored: 40,
        duplicates: 40,
        missing: 0,
      }),
    { timeout: 60_000 },
  );
});

test("of an application that is killed, exactly the calls that never left are missing", async () => {
  const script = `
    import { createEmitter, createHttpTransport } from "@plumbline/emitter";
    const http = createHttpTransport({ url: ${JSON.stringify(url)} });
    let sent = 0;
    const transport = { send: async (batch, options) => {
      if (sent >= 60) return new Promise(() => process.send({ sent }));
      const result = await http.send(batch, options);
      sent += batch.length;
      return result;
    } };
    const emitter = createEmitter({ app: "killed", transport, flushAt: 20, now: () => Date.now() - ${HOUR_MS} });
    for (let n = 0; n < 100; n++) emitter.emit(${JSON.stringify(CALL)});`;
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script],
    { cwd: import.meta.dirname, stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  expect(await once(child, "message")).toEqual([{ sent: 60 }, undefined]);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await delivered("killed", 60)).toMatchObject({ emitted: 100, stored: 60, dropped: 0, missing: 40 });
});

test("calls of senders without numbers are stored and said to be uncounted", async () => {
  const response = await fetch(`${url}/v1/calls`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...CALL, app: "curl" }),
  });
  expect(response.status).toBe(200);
  expect(await delivered("curl", 1)).toMatchObject({ emitters: 0, emitted: 0, stored: 1, missing: 0 });
});

test("a record that can't become a row is a dead letter of its application, and is not missing", async () => {
  const events = Array.from({ length: 5 }, (_, n) => ({
    ...CALL,
    call_id: `0198f3a0-0000-7000-8000-00000000000${n}`,
    app: "letters",
    started_at: new Date(earlier.now()).toISOString(),
    emitter_id: "letters-1",
    sequence: n,
    ...(n === 2 ? { latency_ms: "slow" } : {}),
  }));
  // As an application beside the brokers writes: nobody validates before the writer does.
  await log.append(
    "plumbline.calls",
    events.map((event) => ({ key: event.call_id, value: new TextEncoder().encode(JSON.stringify(event)) })),
  );
  await vi.waitFor(async () => expect(await delivered("letters", 4)).toMatchObject({ dead_letters: 1 }), {
    timeout: 60_000,
  });
  expect(await delivered("letters", 4)).toMatchObject({ emitted: 5, stored: 4, missing: 0, dead_letters: 1 });
  const [letter] = await clickhouse.query("SELECT * FROM plumbline.dead_letters_v1 WHERE app = 'letters'");
  expect(letter).toMatchObject({
    topic: "plumbline.calls",
    reason: "schema:latency_ms",
    is_redriven: false,
    emitter_id: "letters-1",
    sequence: 2,
  });
});
