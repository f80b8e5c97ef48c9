/** Kind: one wrong field of a call. Through the collector over HTTP, and as the writer reads what was published to the log. */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { CallsAccepted } from "@plumbline/schemas";
import { createCollector } from "@plumbline/services/collector/service";
import { decodeCall } from "@plumbline/services/writer/calls/decode-call";
import { expect, onTestFinished, test } from "vitest";
import { FIELD_CASES } from "./cases.ts";

const CALL = {
  call_id: "0198f3a0-0000-7000-8000-000000000001",
  started_at: new Date(systemClock.now() - 60_000).toISOString(),
  app: "support",
  use_case: "ticket-summary",
  model: "gpt-5-mini",
  status: "ok",
  latency_ms: 812,
};

async function startCollector() {
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const logger = createLogger("test", "silent");
  const collector = createCollector({ log, clock: systemClock, logger, port: 0 });
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await log.close();
  });
  return { log, url: await collector.url };
}

test.each(FIELD_CASES)("$given: $becomes", async ({ fields, expected }) => {
  const { log, url } = await startCollector();
  const event = { ...CALL, ...fields };
  const response = await fetch(`${url}/v1/calls`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([event, { ...CALL, call_id: CALL.call_id.replace(/1$/, "2") }]),
  });
  const { rejected, warnings } = CallsAccepted.parse(await response.json());
  const records = await log.read("plumbline.calls", 0, 0, { recordsMax: 10 });
  const published = decodeCall({
    partition: 0,
    offset: 0,
    timestamp: systemClock.now(),
    isTimeRepaired: false,
    key: CALL.call_id,
    value: Buffer.from(JSON.stringify(event)),
    headers: {},
  });
  if (expected.kind === "refused") {
    expect(rejected).toMatchObject([
      { field: expected.field, message: expect.stringMatching(expected.message) },
    ]);
    expect(records).toHaveLength(1);
    expect(published.kind).toBe("rejected");
    return;
  }
  expect(rejected).toEqual([]);
  expect(records).toHaveLength(2);
  expect(JSON.parse(Buffer.from(records[0]!.value).toString("utf8"))).toMatchObject(expected.as);
  expect(warnings.map(({ field }) => field)).toEqual(expected.warned);
  for (const { message } of warnings) expect(message).toMatch(/left out/);
  expect(published).toMatchObject({ kind: "accepted", call: expected.as });
});
