/** The emitter against the real collector, over HTTP. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createEmitter } from "@plumbline/emitter";
import { LogError, type EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { createCollector } from "./service.ts";

const logger = createLogger("test", "silent");
const CALL = { use_case: "ticket-summary", model: "gpt-5-mini", status: "ok", latency_ms: 800 } as const;

async function collecting(log: EventLog, port = 0) {
  const collector = createCollector({ log, clock: systemClock, logger, port });
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  const url = await collector.url;
  const close = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  onTestFinished(close);
  return { url, close };
}

async function storedIds(log: EventLog): Promise<string[]> {
  return (await log.read("plumbline.calls", 0, 0, { recordsMax: 100_000 })).map((record) => record.key);
}

test("every emitted event is in the log once, in order, and the rejected one is counted", async () => {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const { url } = await collecting(log);
  const emitter = createEmitter({ app: "support", url, onWarning: () => undefined });
  for (let n = 0; n < 2000; n++) emitter.emit({ ...CALL, input: `ticket ${n} ${"x".repeat(500)}` });
  emitter.emit({ ...CALL, latency_ms: -1 });

  expect(await emitter.close()).toEqual({ acknowledged: 2000, rejected: 1, dropped: 0, queued: 0 });
  const ids = await storedIds(log);
  expect(ids).toHaveLength(2000);
  expect(new Set(ids).size).toBe(2000);
});

test("large events are split into bodies that the collector takes", async () => {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const { url } = await collecting(log);
  const emitter = createEmitter({ app: "support", url });
  for (let n = 0; n < 20; n++) emitter.emit({ ...CALL, input: "é".repeat(200_000) });
  expect(await emitter.close()).toEqual({ acknowledged: 20, rejected: 0, dropped: 0, queued: 0 });
});

test("a full log delays events and loses none", async () => {
  const memory = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  let refusals = 1;
  const log: EventLog = {
    ...memory,
    append: async (topic, records) => {
      if (refusals-- > 0) throw new LogError("log_unavailable", "down", { retryable: true });
      return memory.append(topic, records);
    },
    read: async (...range) => memory.read(...range),
  };
  const { url } = await collecting(log);
  const warnings: string[] = [];
  const emitter = createEmitter({ app: "support", url, onWarning: (message) => warnings.push(message) });
  emitter.emit(CALL);
  expect((await emitter.close()).acknowledged).toBe(1);
  expect(warnings).toEqual(["plumbline: not delivered, will retry: HTTP 503"]);
  expect(await storedIds(memory)).toHaveLength(1);
});

test("a collector that restarts loses nothing of what is emitted meanwhile", async () => {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const first = await collecting(log);
  const emitter = createEmitter({
    app: "support",
    url: first.url,
    flushAt: 20,
    retryBaseMs: 5,
    retryMaxMs: 50,
    onWarning: () => undefined,
  });
  for (let n = 0; n < 100; n++) emitter.emit(CALL);
  await emitter.flush();
  await first.close();
  for (let n = 0; n < 100; n++) emitter.emit(CALL);
  await emitter.flush(50);
  expect(emitter.stats().queue_events).toBe(100);
  await collecting(log, Number(new URL(first.url).port));
  expect((await emitter.close()).acknowledged).toBe(100);
  expect(new Set(await storedIds(log)).size).toBe(200);
});

test("a script that ends without closing its emitter still delivers, and ends at once", async () => {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const { url } = await collecting(log);
  const script = `
    import { createEmitter } from "@plumbline/emitter";
    const emitter = createEmitter({ app: "script", url: ${JSON.stringify(url)}, flushIntervalMs: 600_000 });
    emitter.emit(${JSON.stringify(CALL)});`;
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", "--input-type=module", "-e", script],
    { cwd: import.meta.dirname, stdio: "inherit" },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(await storedIds(log)).toHaveLength(1);
});
