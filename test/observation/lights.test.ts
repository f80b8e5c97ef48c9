/** Readiness on a real port: each light goes out when what it promises is not kept, says why, and comes back. */
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { LogError, type EventLog } from "@plumbline/ports";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import type { Health } from "@plumbline/runtime/health";
import { createLogger } from "@plumbline/runtime/logger";
import { createMetricsService } from "@plumbline/runtime/process/metrics-service";
import { createScheduler } from "@plumbline/runtime/schedule";
import { DeliveryHealth, deliveryChecks } from "@plumbline/services/writer/delivery/health";
import { BatchWatch } from "@plumbline/services/writer/batch-watch";
import { LagWatch } from "@plumbline/services/writer/lag";
import { expect, onTestFinished, test } from "vitest";
import { readExposition } from "./read-exposition.ts";

const logger = createLogger("test", "silent");
const MINUTE = 60_000;

/** Serves a service's health on a port. */
async function serve(name: string, health: Health) {
  const stop = new AbortController();
  const service = { name, health, run: async () => undefined };
  const metrics = createMetricsService({ name, logger, services: [service], port: 0 });
  const running = metrics.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const url = await metrics.url;
  return {
    get: async (path: string) => {
      const response = await fetch(`${url}${path}`);
      return { status: response.status, body: (await response.json()) as unknown };
    },
    readyMetric: async (): Promise<Record<string, number>> => {
      const families = readExposition(await (await fetch(`${url}/metrics`)).text());
      return Object.fromEntries(
        families.get("plumbline_ready")!.samples.map(({ labels, value }) => [labels["check"]!, value]),
      );
    },
  };
}

test("a topic that waits makes the writer not ready, by name and reason, while it is alive", async () => {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  const delivery = new DeliveryHealth(clock);
  const { get, readyMetric } = await serve("writer", { readiness: deliveryChecks(delivery) });
  expect((await get("/readyz")).status).toBe(200);

  delivery.paused("plumbline.verdicts", 1, "the store does not take rows: HTTP 500. Retried until it does");
  expect(await get("/readyz?verbose")).toMatchObject({
    status: 503,
    body: {
      status: "not_ready",
      failing: ["writer.topic.plumbline.verdicts"],
      checks: {
        "writer.topic.plumbline.verdicts": {
          ok: false,
          message:
            "paused partition 1 since 2026-03-01T12:00:00.000Z: the store does not take rows: HTTP 500. Retried until it does",
        },
        "writer.topic.plumbline.calls": { ok: true },
      },
    },
  });
  expect((await get("/livez")).status).toBe(200);
  expect(await readyMetric()).toMatchObject({
    "writer.topic.plumbline.verdicts": 0,
    "writer.topic.plumbline.calls": 1,
  });

  delivery.running("plumbline.verdicts", 1);
  expect((await get("/readyz")).status).toBe(200);
});

test("records that wait and that nobody stores make the writer not ready, whoever should store them", async () => {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  const log = createMemoryEventLog({ clock });
  const lag = new LagWatch({ log, clock, group: "writer", topics: ["plumbline.calls"] });
  const end = lag.show();
  onTestFinished(end);
  const { get } = await serve("writer", { readiness: { lag: lag.check } });
  expect((await get("/readyz")).status).toBe(200);

  await log.append("plumbline.calls", [{ key: "a", value: Buffer.from("1") }]);
  await clock.advance(MINUTE);
  expect((await get("/readyz")).status).toBe(200);
  await clock.advance(6 * MINUTE);
  expect(await get("/readyz?verbose")).toMatchObject({
    status: 503,
    body: {
      checks: {
        "writer.lag": {
          message: "1 record of plumbline.calls partition 0 waits, and none was stored for 6 minutes",
        },
      },
    },
  });

  await commit(log, 1);
  await clock.advance(MINUTE);
  expect(await get("/readyz?verbose")).toMatchObject({
    status: 200,
    body: { checks: { "writer.lag": { ok: true, message: "nothing waits" } } },
  });
});

test("a log that does not answer is a failing light and no lag at all", async () => {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  const away = new LogError("log_unavailable", "the brokers do not answer", { retryable: true });
  const log = { watermarks: () => Promise.reject(away), committed: () => Promise.reject(away) };
  const lag = new LagWatch({ log, clock, group: "writer", topics: ["plumbline.calls"] });
  const { get } = await serve("writer", { readiness: { lag: lag.check } });
  expect(await get("/readyz?verbose")).toMatchObject({
    status: 503,
    body: { checks: { "writer.lag": { ok: false, message: "the brokers do not answer" } } },
  });
});

test("a batch that gets no further for a quarter of an hour means that the process is not alive", async () => {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  const batches = new BatchWatch(clock);
  const { get } = await serve("writer", { liveness: { batches: batches.check } });
  let finish = (): void => undefined;
  const work = batches.while("plumbline.calls", () => new Promise<void>((resolve) => (finish = resolve)));
  await clock.advance(14 * MINUTE);
  batches.step("plumbline.calls");
  await clock.advance(14 * MINUTE);
  expect((await get("/livez")).status).toBe(200);
  await clock.advance(2 * MINUTE);
  expect(await get("/livez?verbose")).toMatchObject({
    status: 503,
    body: { status: "not_alive", failing: ["writer.batches"] },
  });
  finish();
  await work;
  expect((await get("/livez")).status).toBe(200);
});

test("a job that did not succeed for three periods makes the monitor not ready, until it does", async () => {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  let isBroken = true;
  const job = {
    name: "quality",
    everyMs: MINUTE,
    run: async () => {
      if (isBroken) throw new Error("the store is away");
    },
  };
  const scheduler = createScheduler([job], { clock, logger });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const { get } = await serve("monitor", { readiness: scheduler.readiness });
  await clock.advance(2 * MINUTE);
  expect((await get("/readyz")).status).toBe(200);
  await clock.advance(2 * MINUTE);
  expect(await get("/readyz?verbose")).toMatchObject({
    status: 503,
    body: {
      failing: ["monitor.quality"],
      checks: {
        "monitor.quality": {
          message: "has not succeeded yet, runs every 60 s; the last failure: the store is away",
        },
      },
    },
  });
  isBroken = false;
  await clock.advance(MINUTE);
  expect((await get("/readyz")).status).toBe(200);
});

async function commit(log: EventLog, offset: number): Promise<void> {
  const stop = new AbortController();
  await log.subscribe(
    "plumbline.calls",
    { group: "writer", signal: stop.signal, onGap: refuseGap },
    async () => {
      await log.commit("writer", "plumbline.calls", 0, { offset, metadata: "" });
      stop.abort();
    },
  );
}
