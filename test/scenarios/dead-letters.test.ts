/**
 * Dead letters through their whole life, on lmdb and on Kafka: a record that the writer can't store is set aside with
 * its bytes, listed, shown, redriven once its cause is mended, and is a row then; what fails again stops the redrive.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { StoreError, type EventLog } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { createRegistry } from "@plumbline/services/registry/service";
import { WriterConfig } from "@plumbline/services/writer/config";
import { createEnrichment } from "@plumbline/services/writer/calls/enrich-call";
import { createWriter } from "@plumbline/services/writer/service";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { brokerForTests } from "../kafka/broker-for-tests.ts";
import { runPlumbline } from "./tail-run.ts";

const broker = await brokerForTests();
afterAll(async () => broker?.stop());
const logger = createLogger("dead-letters", "silent");

async function openLog(kind: "lmdb" | "Kafka", folder: string): Promise<EventLog> {
  if (kind === "lmdb") return openLmdbEventLog({ path: join(folder, "log"), clock: systemClock });
  await ensureTopics(broker!.brokers);
  return openKafkaEventLog({ brokers: broker!.brokers, clientId: "dead-letters", logger });
}

/** A pipeline whose store refuses some calls until it is mended. */
async function pipeline(kind: "lmdb" | "Kafka") {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-letters-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
  const store = createClickHouseStore(clickhouse);
  await store.migrate();
  const log = await openLog(kind, folder);
  const refused = new Set<string>();
  const stop = new AbortController();
  const writer = createWriter({
    log,
    store: {
      ...store,
      insertCalls: async (rows) => {
        if (rows.some(({ call }) => refused.has(call.use_case)))
          throw new StoreError("store_data", "a constraint is violated", { clickhouseCode: 469 });
        await store.insertCalls(rows);
      },
    },
    clock: systemClock,
    logger,
    enrichment: createEnrichment(loadConfig(WriterConfig, {})),
  });
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0 });
  const running = [writer.run(stop.signal), registry.run(stop.signal)];
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(running);
    await log.close();
    await clickhouse.close();
    await rm(folder, { recursive: true });
  });
  const url = await registry.url;
  const cli = async (...args: string[]) => {
    const run = await runPlumbline(["dead-letters", ...args, "--registry", url, "--json"], {
      environment: { PLUMBLINE_ACTOR: "ann@example.com" },
    });
    return { ...run, answer: JSON.parse(run.stdout) as { ok: boolean; data: never; error: never } };
  };
  const count = async (useCase: string): Promise<unknown> =>
    (
      await clickhouse.query(
        "SELECT count() AS calls FROM plumbline.calls_v1 WHERE use_case = {name:String}",
        {
          name: useCase,
        },
      )
    )[0]?.["calls"];
  return { log, clickhouse, refused, cli, count, url };
}

let calls = 0;
function event(useCase: string, fields: Record<string, unknown> = {}) {
  const call_id = `0198f3a0-0000-7000-8000-${(calls++).toString(16).padStart(12, "0")}`;
  const call = {
    call_id,
    started_at: new Date().toISOString(),
    app: "letters",
    use_case: useCase,
    model: "m",
    status: "ok",
    latency_ms: 1,
    ...fields,
  };
  return {
    key: call_id,
    value: new TextEncoder().encode(JSON.stringify(call)),
    headers: { tenant: "acme", traceparent: "00-1-2-3" },
  };
}

async function listed(cli: Awaited<ReturnType<typeof pipeline>>["cli"], ...args: string[]) {
  const { answer } = await cli("list", ...args);
  return answer.data as { letters: { id: string; reason: string; came_back: boolean }[]; matching: number };
}

test.for(["lmdb", "Kafka"] as const)(
  "on %s a refused record is set aside, shown byte for byte, redriven once, and a row",
  { timeout: 120_000 },
  async (kind, { skip }) => {
    skip(kind === "Kafka" && broker === null, "there is no Kafka; the reason is above");
    const { log, clickhouse, refused, cli, count } = await pipeline(kind);
    refused.add("poison");
    const poison = Array.from({ length: 25 }, () => event("poison", { input: "\u001b[2J paid €40" }));
    const garbage = { key: "g", value: new Uint8Array([0x7b, 0xff, 0x00]), headers: { tenant: "acme" } };
    await log.append("plumbline.calls", [event("good"), ...poison, garbage, event("good")]);
    await vi.waitFor(
      async () => expect([await count("good"), (await listed(cli)).matching]).toEqual([2, 26]),
      { timeout: 60_000 },
    );

    // Newest first, by filter, in pages.
    expect(await listed(cli, "--reason", "not_json")).toMatchObject({ matching: 1 });
    expect(await listed(cli, "--tenant", "other")).toMatchObject({ matching: 0 });
    const first = (await cli("list", "--limit", "20")).answer.data as {
      letters: unknown[];
      next_before: number;
    };
    const second = await listed(cli, "--limit", "20", "--before", String(first.next_before));
    expect([first.letters.length, second.letters.length]).toEqual([20, 6]);

    // Its own bytes and headers; on a terminal nothing that moves the cursor.
    const letters = (await listed(cli, "--reason", "store:469")).letters;
    expect(letters).toHaveLength(25);
    const { id } = letters[0]!;
    const shown = (await cli("show", id)).answer.data as {
      value_base64: string;
      headers: unknown;
      key: string;
    };
    const original = poison.find(({ key }) => key === shown.key)!;
    expect(Buffer.from(shown.value_base64, "base64")).toEqual(Buffer.from(original.value));
    expect(shown.headers).toEqual(original.headers);

    // Not mended yet: a few go round, and the rest stays where it is.
    const early = await cli("redrive", "--reason", "store:469", "--yes");
    expect(early.exitCode).toBe(10);
    expect(early.answer.error).toMatchObject({
      code: "redrive-stopped",
      details: { redriven: 10, came_back: 10, left: 15 },
    });
    expect(
      (await listed(cli, "--reason", "store:469")).letters.filter((each) => each.came_back),
    ).toHaveLength(10);

    // Mended: each is appended again, and none of them twice.
    refused.clear();
    const dry = await cli("redrive", "--reason", "store:469", "--dry-run");
    expect(dry.answer.data).toMatchObject({ would_redrive: 25 });
    const redriven = await cli("redrive", "--reason", "store:469", "--yes");
    expect(redriven.answer).toMatchObject({ ok: true, data: { redriven: 25, came_back: 0, left: 0 } });
    await vi.waitFor(async () => expect(await count("poison")).toBe(25), { timeout: 60_000 });
    expect((await cli("redrive", id, "--yes")).answer.data).toMatchObject({
      redriven: 0,
      skipped: [{ id, why: "redriven" }],
    });
    expect((await cli("redrive", id, "--force", "--yes")).answer.data).toMatchObject({ redriven: 1 });

    // Analysts see the same, without bytes; the repeat is no second call.
    await vi.waitFor(
      async () =>
        expect(
          await clickhouse.query(
            `SELECT reason, count() AS letters, countIf(is_redriven) AS redriven, any(redriven_by) AS by
             FROM plumbline.dead_letters_v1 WHERE tenant = 'acme' GROUP BY reason ORDER BY reason`,
          ),
        ).toEqual([
          { reason: "not_json", letters: 1, redriven: 0, by: "" },
          { reason: "store:469", letters: 35, redriven: 35, by: "ann@example.com" },
        ]),
      { timeout: 60_000 },
    );
    expect(await count("poison")).toBe(25);
    expect(await listed(cli)).toMatchObject({ matching: 1, letters: [{ reason: "not_json" }] });
  },
);

test("on a terminal the bytes of strangers do nothing, and what is no text is a hex dump", async () => {
  const { log, url, cli } = await pipeline("lmdb");
  const evil = new TextEncoder().encode('{"input":"\u001b]0;owned\u0007\u202Ecod.exe"');
  await log.append("plumbline.calls", [
    { key: "evil\u001b[31m", value: evil, headers: { tenant: "acme", "x-note": "a\u001b[2Jb" } },
    { key: "b", value: new Uint8Array([0xff, 0xfe, 0x00]), headers: {} },
  ]);
  await vi.waitFor(async () => expect((await listed(cli)).matching).toBe(2), { timeout: 60_000 });
  const { letters } = await listed(cli);
  for (const { id } of letters) {
    const { stdout, exitCode } = await runPlumbline(["dead-letters", "show", id, "--registry", url]);
    expect(exitCode).toBe(0);
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  const binary = await runPlumbline(["dead-letters", "show", letters[0]!.id, "--registry", url]);
  expect(binary.stdout).toContain("00000000  ff fe 00");
});

test("without somebody to ask, a redrive needs --yes, and without a filter it needs --all", async () => {
  const { log, url, cli } = await pipeline("lmdb");
  await log.append("plumbline.calls", [{ key: "b", value: new Uint8Array([0xff]), headers: {} }]);
  await vi.waitFor(async () => expect((await listed(cli)).matching).toBe(1), { timeout: 60_000 });
  const run = (...args: string[]) => runPlumbline(["dead-letters", "redrive", ...args, "--registry", url]);
  expect(await run("--all")).toMatchObject({ exitCode: 6 });
  expect(await run()).toMatchObject({ exitCode: 2 });
  expect(await run("nonsense")).toMatchObject({ exitCode: 2 });
  expect((await run("plumbline.calls/0/999", "--yes")).stdout).toContain("not there, or expired");
});
