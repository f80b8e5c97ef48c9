import { IncidentFold } from "@plumbline/alerts";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { HOUR_MS, IncidentEvent } from "@plumbline/schemas";
import { pino } from "pino";
import { expect, test } from "vitest";
import { logBin } from "../counts/log-bins.ts";
import { assertHealth } from "./assert-health.ts";
import { assertUncachedPrefix } from "./assert-uncached-prefix.ts";
import { UseCaseMeasures } from "./use-case-measures.ts";

const START = Date.parse("2026-03-02T00:00:00Z");
const KEY = { tenant: "", env: "production", use_case: "ticket-summary" };
const [OLD, NEW] = [`sha256:${"9b".repeat(32)}`, `sha256:${"4f".repeat(32)}`];
const PROMPT = {
  use_case: KEY.use_case,
  model: "openai/gpt-5-mini",
  config: {},
  messages: [{ role: "system" as const, content: "Keep every amount and date.\n".repeat(300) }],
};

/** Hours of 100 calls, each hour asserted as the job does it. */
function world() {
  const clock = new VirtualClock(START);
  const log = createMemoryEventLog({ clock });
  const measures = new UseCaseMeasures();
  const incidents = new IncidentFold(log);
  const deps = {
    store: { judgedUnits: async () => [] },
    log,
    clock,
    logger: pino({ level: "silent" }),
    incidents,
    holds: () => true,
  };
  let at = START;
  return {
    serve: async (hours: number, cached: number, version = OLD): Promise<void> => {
      for (let i = 0; i < hours; i++) {
        measures.addHour({
          hour: at,
          versions: [{ hour: at, version, calls: new Map([["", 100]]), features: new Map() }],
          inputs: new Map(),
          outcomes: new Map([
            [
              version,
              {
                hour: at,
                calls: 100,
                okCalls: 100,
                elsewhereCalls: 0,
                degradedCalls: 0,
                pricedCalls: 0,
                costSum: 0,
                logCostSum: 0,
                logCostSquareSum: 0,
                latency: new Map([[logBin(900), 100]]),
                cachedTokens: new Map([
                  [logBin(0), 100 - cached],
                  [logBin(2_048), cached],
                ]),
              },
            ],
          ]),
          responseModels: new Map(),
        });
        at += HOUR_MS;
        await incidents.refresh();
        await assertHealth(KEY, measures, at, deps);
        await assertUncachedPrefix(KEY, measures, at, deps, async () => PROMPT);
      }
    },
    events: async (): Promise<readonly string[]> => {
      const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 100 });
      return records.map(({ value }) => {
        const event = IncidentEvent.parse(JSON.parse(new TextDecoder().decode(value)));
        if (event.type === "detected") return `detected ${event.detection.metric.name}`;
        return event.type === "recovered" ? `recovered ${event.cause} ${event.current.mean}` : event.type;
      });
    },
  };
}

test("told once after 500 calls, and over when something is read from the cache", async () => {
  const { serve, events } = world();
  await serve(4, 0);
  expect(await events()).toEqual([]);
  await serve(10, 0);
  expect(await events()).toEqual(["detected uncached_prefix"]);
  await serve(1, 60);
  expect(await events()).toEqual(["detected uncached_prefix", "recovered by_itself 0.04"]);
});

test("another version ends it, and a prefix that an edit broke is told as its loss and not twice", async () => {
  const { serve, events } = world();
  await serve(6, 0);
  await serve(48, 80, NEW);
  expect(await events()).toEqual(["detected uncached_prefix", "recovered new_version null"]);
  await serve(30, 0, `sha256:${"77".repeat(32)}`);
  expect((await events()).slice(2)).toEqual(["detected cached_prefix_share"]);
});
