/** `plumbline doctor` against a pipeline that is well, one with losses, and one that is not there. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createEmitter, type NewCall } from "@plumbline/emitter";
import type { Clock } from "@plumbline/ports";
import { notOk } from "@plumbline/runtime/health";
import { createHttpApp, createHttpService, createOpenGuard } from "@plumbline/runtime/http";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { createCollector } from "@plumbline/services/collector/service";
import { createRegistry } from "@plumbline/services/registry/service";
import { WriterConfig } from "@plumbline/services/writer/config";
import { createEnrichment } from "@plumbline/services/writer/calls/enrich-call";
import { createWriter } from "@plumbline/services/writer/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runPlumbline, type RunOptions } from "./tail-run.ts";

const logger = createLogger("doctor", "silent");
const HOUR_MS = 3_600_000;
const earlier: Clock = { ...systemClock, now: () => systemClock.now() - HOUR_MS };
const stop = new AbortController();
const running: Promise<void>[] = [];
let folder: string;
let close: () => Promise<void>;
let urls: { registry: string; collector: string; sql: string; judge: string };
let count: (app: string) => Promise<unknown>;
const log = createMemoryEventLog({ clock: earlier, partitions: 1 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-doctor-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
  const store = createClickHouseStore(clickhouse);
  await store.migrate();
  const sql = await serveClickHouse(clickhouse, { logger, readOnly: true });
  const collector = createCollector({ log, clock: earlier, logger, port: 0 });
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0 });
  const judge = createHttpService(
    createHttpApp({
      name: "judge",
      logger,
      guard: createOpenGuard(),
      routes: [],
      health: {
        readiness: { provider: () => notOk("the model answers 401: check PLUMBLINE_JUDGE_API_KEY") },
      },
    }),
    { name: "judge", logger, port: 0 },
  );
  const writer = createWriter({
    log,
    store,
    clock: systemClock,
    logger,
    enrichment: createEnrichment(loadConfig(WriterConfig, {})),
  });
  running.push(...[collector, registry, judge, writer].map((service) => service.run(stop.signal)));
  urls = {
    registry: await registry.url,
    collector: await collector.url,
    sql: sql.url,
    judge: await judge.url,
  };
  count = async (app) =>
    (
      await clickhouse.query("SELECT count() AS n FROM plumbline.calls_v1 WHERE app = {name:String}", {
        name: app,
      })
    )[0]?.["n"];
  close = async () => {
    stop.abort();
    await Promise.all(running);
    await sql.close();
    await clickhouse.close();
    await rm(folder, { recursive: true });
  };
});
afterAll(() => close());

interface Answer {
  readonly data: {
    readonly findings: readonly { check: string; status: string; message: string; next: string | null }[];
    readonly delivery: readonly { app: string; emitted: number; stored: number; missing: number }[];
  };
}

const addresses = () => ["--registry", urls.registry, "--collector", urls.collector, "--sql", urls.sql];

async function doctor(args: readonly string[], options: RunOptions = {}) {
  const run = await runPlumbline(["doctor", ...args, "--json"], options);
  return { ...run, answer: JSON.parse(run.stdout) as Answer };
}

const CALL = { use_case: "u", model: "m", status: "ok", latency_ms: 1 } as const;

async function emit(app: string, calls: number, fields: Partial<NewCall> = {}): Promise<void> {
  const emitter = createEmitter({ app, url: urls.collector, now: () => earlier.now() });
  for (let n = 0; n < calls; n++) emitter.emit({ ...CALL, ...fields });
  await emitter.close();
  await vi.waitFor(async () => expect(await count(app)).toBe(calls), { timeout: 60_000 });
}

test("a pipeline that is well is said to be, with the calls of each application", async () => {
  await emit("well", 20);
  const { exitCode, answer } = await doctor(addresses());
  expect(answer.data.findings.filter(({ status }) => status === "fail")).toEqual([]);
  expect(exitCode).toBe(0);
  const of = (check: string) => answer.data.findings.find((each) => each.check === check);
  expect(of("registry")).toMatchObject({ status: "ok" });
  expect(of("collector")).toMatchObject({ status: "ok" });
  expect(of("store")?.message).toContain("migrated");
  expect(of("config")).toMatchObject({ status: "warn" });
  expect(of("delivery.well")).toMatchObject({ status: "ok", message: "20 emitted, 20 stored" });
  expect(answer.data.delivery).toContainEqual(
    expect.objectContaining({ app: "well", emitted: 20, stored: 20, missing: 0 }),
  );
});

test("calls without a cost are counted, with their models and the reason", async () => {
  await emit("own", 2, { provider: "my-gateway", model: "own-7b", input_tokens: 10, output_tokens: 2 });
  await emit("listed", 1, {
    provider: "my-gateway",
    model: "gpt-5-mini",
    input_tokens: 10,
    output_tokens: 2,
  });
  const { answer } = await doctor(addresses());
  const of = (check: string) => answer.data.findings.find((each) => each.check === check);
  expect(of("prices")).toMatchObject({
    status: "warn",
    message: "2 calls have no cost, because no price is known: my-gateway/own-7b (2)",
    next: expect.stringContaining("cost_usd") as string,
  });
  expect(of("prices.tokens")).toMatchObject({
    status: "ok",
    message: "20 calls have no cost, because no tokens were reported: m (20)",
  });
});

test("loss has its numbers, its cause and a next step, and a service its failing checks", async () => {
  const event = (sequence: number, fields: Record<string, unknown>) => {
    const call_id = `0198f3a0-0000-7000-8000-00000000a${sequence.toString().padStart(3, "0")}`;
    const call = { ...CALL, call_id, started_at: new Date(earlier.now()).toISOString(), app: "lossy" };
    const value = JSON.stringify({ ...call, emitter_id: "lossy-1", sequence, ...fields });
    return { key: call_id, value: new TextEncoder().encode(value) };
  };
  await log.append("plumbline.calls", [
    event(0, {}),
    event(3, {
      dropped: 1,
      client_report: { emitted: 5, acknowledged: 1, rejected: 0, dropped: { queue_full: 1 } },
    }),
    event(4, { latency_ms: "fast" }),
  ]);
  await vi.waitFor(async () => {
    const { answer } = await doctor(addresses());
    expect(answer.data.findings).toContainEqual(
      expect.objectContaining({ check: "dead-letters.schema:latency_ms" }),
    );
    expect(await count("lossy")).toBe(2);
  }, 60_000);
  const { exitCode, answer } = await doctor([...addresses(), "--service", `judge=${urls.judge}`]);
  expect(exitCode).toBe(10);
  const of = (check: string) => answer.data.findings.find((each) => each.check === check);
  expect(of("delivery.lossy")).toMatchObject({
    status: "fail",
    message: "5 emitted, 2 stored, 1 missing, 1 dropped by the emitter (queue_full 1), 1 dead letter",
    next: expect.stringContaining("docs/operate/delivery.md") as string,
  });
  expect(of("judge.provider")).toMatchObject({
    status: "fail",
    message: "the model answers 401: check PLUMBLINE_JUDGE_API_KEY",
  });
  const { stdout } = await runPlumbline(["doctor", ...addresses(), "--service", `judge=${urls.judge}`]);
  expect(stdout).toMatch(/^FAIL +judge\.provider +the model answers 401/m);
  expect(stdout).toMatch(/^Next, delivery\.lossy: was lossy killed/m);
});

test("what does not answer is said, with how to name another address, and the exit code is 5", async () => {
  const gone = "http://127.0.0.1:9";
  const { exitCode, answer } = await doctor(["--registry", gone, "--collector", gone, "--sql", gone]);
  expect(exitCode).toBe(5);
  for (const [check, setting] of [
    ["registry", "--registry"],
    ["collector", "--collector"],
    ["store", "--sql"],
  ] as const) {
    expect(answer.data.findings.find((each) => each.check === check)).toMatchObject({
      status: "fail",
      next: expect.stringContaining(setting) as string,
    });
  }
});

test("a clock that is minutes off and a configuration that is wrong are found", async () => {
  const ahead: Clock = { ...systemClock, now: () => systemClock.now() - 120_000 };
  const { answer } = await doctor(addresses(), { clock: ahead });
  expect(answer.data.findings.find(({ check }) => check === "registry.clock")).toMatchObject({
    status: "warn",
    message: expect.stringMatching(/^its clock is 1(19|2[0-5]) s ahead of this machine's$/) as string,
  });
  await writeFile(join(folder, "plumbline.config.yaml"), "registry: { url: 7 }\n");
  const broken = await doctor(["--project", folder, ...addresses(), "--since", "1d"]);
  expect(broken.answer.data.findings.find(({ check }) => check === "config")).toMatchObject({
    status: "fail",
  });
  expect((await runPlumbline(["doctor", "--service", "nonsense"])).exitCode).toBe(2);
});
