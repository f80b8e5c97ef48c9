/** The whole writer on a real ClickHouse and a log in memory: what foreign producers, stores and clocks do to it. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { openEmbeddedClickHouse, type EmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog, type MemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { LogRecord, Store } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import type { Topic } from "@plumbline/schemas";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { WriterConfig } from "./config.ts";
import { createEnrichment } from "./calls/enrich-call.ts";
import { createWriter } from "./service.ts";

const TABLES = [
  "calls",
  "call_payloads",
  "verdicts",
  "feedback",
  "incidents",
  "registry_events",
  "dead_letters",
  "ingest_audit",
  "log_bindings",
];
const CALLS = "plumbline.calls";
const WAIT = { timeout: 60_000, interval: 20 };

let folder: string;
let clickhouse: EmbeddedClickHouse;
let store: Store;
let log: MemoryEventLog;
let logged = "";
const logger = pino(
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  }),
);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-writer-"));
  clickhouse = await openEmbeddedClickHouse({ path: folder });
  store = createClickHouseStore(clickhouse);
  await store.migrate();
});
afterAll(async () => {
  await clickhouse.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const table of TABLES) await clickhouse.command(`TRUNCATE TABLE plumbline_raw.${table}`);
  log = createMemoryEventLog({ clock: systemClock });
  logged = "";
});

function newCall(extra: object = {}) {
  return {
    call_id: randomUUID(),
    started_at: new Date().toISOString(),
    app: "desk",
    use_case: "ticket-summary",
    model: "m",
    status: "ok",
    latency_ms: 1,
    ...extra,
  };
}

async function append(
  call: unknown,
  { key = "", tenant = "acme", topic = CALLS as Topic } = {},
): Promise<void> {
  await log.append(topic, [{ key, value: Buffer.from(JSON.stringify(call)), headers: { tenant } }]);
}

function writerOf(options: { readonly adoptLog?: string } = {}) {
  const enrichment = createEnrichment(loadConfig(WriterConfig, {}));
  return createWriter({ log, store, clock: systemClock, logger, enrichment, ...options });
}

/** One life of the writer, until it has committed everything of the topic. */
async function live(options: { readonly adoptLog?: string } = {}, topic: Topic = CALLS): Promise<void> {
  const stop = new AbortController();
  const running = writerOf(options).run(stop.signal);
  const isDone = vi.waitFor(async () => {
    const [mark] = await log.watermarks(topic);
    expect((await log.committed("writer", topic, 0)).offset).toBe(mark!.high);
  }, WAIT);
  try {
    await Promise.race([isDone, running.then(() => isDone)]);
  } finally {
    stop.abort();
    await running;
  }
}

async function rows(columns: string, table = "calls"): Promise<readonly unknown[]> {
  return clickhouse.query(`SELECT ${columns} FROM plumbline_raw.${table} ORDER BY log_epoch, log_offset`);
}

async function deadLetters(): Promise<readonly LogRecord[]> {
  return log.read("plumbline.calls.dead_letter", 0, 0, { recordsMax: 1_000 });
}

test("a repeat is left out whatever its key is, also after a restart; the same id of another tenant is another call", async () => {
  const call = newCall();
  await append(call, { key: "" });
  await live();
  await append(call, { key: "of another producer" });
  await append({ ...call, call_id: call.call_id.toUpperCase() }, { key: "once more" });
  await append(call, { tenant: "globex" });
  await live();
  expect(await rows("log_offset, tenant")).toEqual([
    { log_offset: 0, tenant: "acme" },
    { log_offset: 3, tenant: "globex" },
  ]);
});

test("a call that is sent again after it was refused is stored, also after a restart", async () => {
  const call = newCall();
  await append({ ...call, latency_ms: "fast" });
  await live();
  await append(call);
  await live();
  expect(await rows("log_offset")).toEqual([{ log_offset: 1 }]);
});

test("record times of 0, -1, in seconds, microseconds and nanoseconds, and beyond every calendar are filed today, and flagged", async () => {
  const now = Date.now();
  const times = [
    0,
    -1,
    Math.floor(now / 1_000),
    now * 1_000,
    now * 1_000_000,
    8.7e15,
    Number.NaN,
    now + 9e9,
    now,
  ];
  for (const _ of times) await append(newCall());
  const subscribe = log.subscribe.bind(log);
  log.subscribe = (topic, options, handle) =>
    subscribe(topic, options, (batch) =>
      handle({
        ...batch,
        records: batch.records.map((record) =>
          topic === CALLS ? { ...record, timestamp: times[record.offset]! } : record,
        ),
      }),
    );
  await live();
  const found = await rows("abs(dateDiff('minute', now(), ingested_at)) < 10 AS is_near, flags");
  expect(found).toEqual(
    times.map((time) => ({ is_near: 1, flags: time === now ? ["untagged"] : ["record_time", "untagged"] })),
  );
});

test("a tenant that is none makes a dead letter of that record alone", async () => {
  const odd = ["", " ", "a\u0000b", "not UTF-8: \uFFFD", "x".repeat(1_000), "\ud800"];
  for (const tenant of odd) await append(newCall(), { tenant });
  await append(newCall(), { tenant: "größe 東京" });
  await live();
  expect(await rows("tenant")).toEqual([{ tenant: "größe 東京" }]);
  expect((await deadLetters()).map(({ headers }) => headers["reason"])).toEqual(odd.map(() => "tenant"));
});

test("a row that a constraint of the store refuses is a dead letter, its neighbours are stored, and no log line shows it", async () => {
  await clickhouse.command(
    "ALTER TABLE plumbline_raw.calls ADD CONSTRAINT no_secret CHECK user_hash != 'my-secret'",
  );
  try {
    for (let n = 0; n < 41; n++) await append(newCall(n === 17 ? { user_hash: "my-secret" } : {}));
    await live();
    expect(await rows("log_offset")).toHaveLength(40);
    const [letter] = await deadLetters();
    expect(letter!.headers).toMatchObject({ offset: "17", reason: "store:469" });
    expect(letter!.headers["detail"]).not.toContain("my-secret");
    expect(logged).not.toContain("my-secret");
  } finally {
    await clickhouse.command("ALTER TABLE plumbline_raw.calls DROP CONSTRAINT no_secret");
  }
});

test("a topic whose table is gone pauses alone, says so, and goes on when it is back", async () => {
  await clickhouse.command("RENAME TABLE plumbline_raw.feedback TO plumbline_raw.feedback_away");
  const given_at = new Date().toISOString();
  await append(
    { feedback_id: "f", call_id: "c", use_case: "u", kind: "thumb", value: 1, given_at },
    { topic: "plumbline.feedback" },
  );
  await append(newCall());
  const stop = new AbortController();
  const writer = writerOf();
  // The table is looked for at the start too.
  await clickhouse.command("RENAME TABLE plumbline_raw.feedback_away TO plumbline_raw.feedback");
  const running = writer.run(stop.signal);
  await vi.waitFor(async () => expect(await rows("log_offset", "feedback")).toHaveLength(1), WAIT);
  await clickhouse.command("RENAME TABLE plumbline_raw.feedback TO plumbline_raw.feedback_away");
  const check = writer.health!.readiness!["topic.plumbline.feedback"]!;
  try {
    await append(
      { feedback_id: "g", call_id: "c", use_case: "u", kind: "thumb", value: 0, given_at },
      { topic: "plumbline.feedback" },
    );
    await vi.waitFor(() => expect(check()).toMatchObject({ ok: false }), WAIT);
    expect(check()).toMatchObject({
      message: expect.stringMatching(/^paused partition 0 since .*UNKNOWN_TABLE/),
    });
    expect(writer.health!.readiness!["topic.plumbline.calls"]!()).toMatchObject({ ok: true });
    await append(newCall());
    await vi.waitFor(async () => expect(await rows("log_offset")).toHaveLength(2), WAIT);
  } finally {
    await clickhouse.command("RENAME TABLE plumbline_raw.feedback_away TO plumbline_raw.feedback");
  }
  await vi.waitFor(async () => expect(await rows("log_offset", "feedback")).toHaveLength(2), WAIT);
  expect(check()).toMatchObject({ ok: true });
  stop.abort();
  await running;
});

test("rows of another log never pass for delivered ones: such a store is refused in words, until its log is adopted", async () => {
  await append(newCall());
  await append(newCall());
  await live();
  const before = await log.identity();
  log = createMemoryEventLog({ clock: systemClock });
  const after = await log.identity();
  await append(newCall());
  await append(newCall());
  await append(newCall());

  const refused = writerOf().run(new AbortController().signal);
  await expect(refused).rejects.toMatchObject({ code: "config" });
  await expect(refused).rejects.toThrow(
    `ClickHouse was filled from the log ${before}, and the log here is ${after}`,
  );
  await expect(refused).rejects.toThrow(`PLUMBLINE_ADOPT_LOG=${after}`);
  expect((await log.committed("writer", CALLS, 0)).offset).toBe(0);

  await live({ adoptLog: after });
  await append(newCall());
  // It needs no leave any more.
  await live();
  expect(await rows("log_epoch, log_offset")).toEqual([
    { log_epoch: 0, log_offset: 0 },
    { log_epoch: 0, log_offset: 1 },
    { log_epoch: 1, log_offset: 0 },
    { log_epoch: 1, log_offset: 1 },
    { log_epoch: 1, log_offset: 2 },
    { log_epoch: 1, log_offset: 3 },
  ]);
});

test("a store that is ahead of its log is refused in words, also one of before there was a ledger", async () => {
  await append(newCall());
  await live();
  await clickhouse.command("TRUNCATE TABLE plumbline_raw.log_bindings");
  log = createMemoryEventLog({ clock: systemClock });
  const running = writerOf().run(new AbortController().signal);
  await expect(running).rejects.toThrow(
    "ClickHouse holds offset 0 of plumbline.calls/0, and the log here ends at -1: it is another log, or an older copy",
  );
});

test("a store of before there was a ledger is adopted when it fits its log", async () => {
  await append(newCall());
  await live();
  await clickhouse.command("TRUNCATE TABLE plumbline_raw.log_bindings");
  await append(newCall());
  await live();
  expect(await rows("log_epoch, log_offset")).toHaveLength(2);
  expect(await store.logBindings()).toMatchObject([{ log_epoch: 0, log_id: await log.identity() }]);
});

test("an empty store beside a log that was delivered elsewhere is filled from it", async () => {
  for (let n = 0; n < 20; n++) await append(newCall({ input: `text ${n}` }));
  await live();
  for (const table of TABLES) await clickhouse.command(`TRUNCATE TABLE plumbline_raw.${table}`);
  await append(newCall({ input: "after" }));
  await live();
  expect(await rows("log_offset")).toHaveLength(21);
  expect(await rows("log_offset", "call_payloads")).toHaveLength(21);
});

test("texts that are gone beside calls that are not come again", async () => {
  for (let n = 0; n < 20; n++) await append(newCall({ input: `text ${n}` }));
  await live();
  await clickhouse.command("TRUNCATE TABLE plumbline_raw.call_payloads");
  await append(newCall({ input: "after" }));
  await live();
  expect(await rows("log_offset")).toHaveLength(21);
  expect(await rows("log_offset", "call_payloads")).toHaveLength(21);
});

test("a start that is taken for a wrong clock is found in the view, with what was reported", async () => {
  const [old, ahead, good] = [-400, 1, 0].map((days) =>
    new Date(Date.now() + days * 86_400_000).toISOString(),
  );
  await append(newCall({ app: "old", started_at: old }));
  await append(newCall({ app: "ahead", started_at: ahead }));
  await append(newCall({ app: "good", started_at: good }));
  await live();
  const found = await clickhouse.query(
    `SELECT app, has(flags, 'clock_skew') AS is_skewed, toUnixTimestamp64Milli(event_at) + clock_skew_ms AS reported
     FROM plumbline.calls_v1 ORDER BY app`,
  );
  expect(found.map(({ app, is_skewed, reported }) => [app, Boolean(is_skewed), Number(reported)])).toEqual([
    ["ahead", true, Date.parse(ahead!)],
    ["good", false, Date.parse(good!)],
    ["old", true, Date.parse(old!)],
  ]);
});
