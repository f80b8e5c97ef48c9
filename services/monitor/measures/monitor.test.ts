import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { createRandom } from "@plumbline/stats";
import { afterEach, expect, test } from "vitest";
import { calls, createStoreWorld, WORLD_USE_CASE, type WorldCall } from "./store-world.fixture.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse("2026-03-02T00:00:00Z");

let world: StoreWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

test("a version that masks amounts is named with feature and slice within three hours, and its rollback recovers it", async () => {
  world = await openStoreWorld(START + 9 * DAY_MS);
  const masked = calls(START + 9 * DAY_MS, 1, "v2", () => ({})).map((call) => ({
    ...call,
    output: call.output!.replace(/\$\d+/, "[REDACTED]"),
  }));
  await world.insert([
    ...calls(START, 9, "v1", () => ({})),
    ...masked,
    ...calls(START + 10 * DAY_MS, 1, "v1", () => ({})),
  ]);
  const monitor = world.restart();
  await monitor.run();
  expect(await world.events()).toEqual([]);

  for (let hour = 1; hour <= 3; hour++) {
    await world.clock.advance(HOUR_MS);
    await monitor.run();
    await monitor.run();
  }
  // At 40 calls an hour the change is seen at once, and the slice when ten of its calls are in.
  const asserted = await world.events();
  expect(asserted.length).toBeLessThanOrEqual(2);
  expect(asserted.at(-1)).toMatchObject({
    type: "detected",
    detection: {
      kind: "output_drift",
      severity: "SEV3",
      candidate: { prompt_version: "v2" },
      incumbent: { prompt_version: "v1" },
      evidence: { measure: "output_feature", at_deploy: true, slice: "mentions_money" },
    },
  });

  // Another process knows what was asserted and, from the rows, what is going on.
  await world.clock.advance(2 * HOUR_MS);
  await world.restart().run();
  expect(await world.events()).toHaveLength(asserted.length);

  await world.clock.advance(22 * HOUR_MS);
  await monitor.run();
  expect((await world.events()).map((event) => event.type).slice(asserted.length)).toEqual(["recovered"]);
  expect((await world.events()).at(-1)).toMatchObject({
    cause: "rollback",
    current: { prompt_version: "v1", mean: null },
  });
});

test.each([
  {
    kind: "success",
    metric: /success_rate/,
    change: { status: "error" as const, error_type: "http_500" },
    share: 0.1,
  },
  { kind: "latency", metric: /share_within/, change: { latency_ms: 9_000 }, share: 0.25 },
  { kind: "path_mix", metric: /primary_share/, change: { path: "fallback_model" as const }, share: 0.15 },
  { kind: "cost", metric: /cost_usd/, change: { cost_usd: 0.01 }, share: 0.5 },
])(
  "$kind that gets worse with a version is asserted within a day, and the old version alone is not",
  async ({ kind, metric, change, share }) => {
    world = await openStoreWorld(START + 9 * DAY_MS);
    const healthy = (random: ReturnType<typeof createRandom>): Partial<WorldCall> => ({
      changes: {
        latency_ms: 500 + random.integer(500),
        cost_usd: 0.002 + random.uniform() * 0.001,
        ...(random.uniform() < 0.02 ? { status: "error" as const } : {}),
      },
    });
    await world.insert([
      ...calls(START, 9, "v1", healthy),
      ...calls(START + 9 * DAY_MS, 1, "v2", (random) =>
        random.uniform() < share
          ? { changes: { latency_ms: 700, cost_usd: 0.0025, ...change } }
          : healthy(random),
      ),
    ]);
    const monitor = world.restart();
    await monitor.run();
    expect(await world.events()).toEqual([]);
    await world.clock.advance(DAY_MS);
    await monitor.run();
    const detections = (await world.events()).flatMap((event) =>
      event.type === "detected" ? [event.detection] : [],
    );
    expect(detections.map((detection) => detection.kind)).toEqual([kind]);
    expect(detections[0]!.metric.name).toMatch(metric);
    expect(detections[0]!.candidate.prompt_version).toBe("v2");
  },
);

test("inputs that move are one incident, stored with sizes, that ends when they come back", async () => {
  world = await openStoreWorld(START + 10 * DAY_MS);
  const long = (from: number, days: number): WorldCall[] =>
    calls(from, days, "v1", () => ({})).map((call) => ({
      ...call,
      input: `${call.input} ${"and where is it ".repeat(20)}https://example.com/x`,
    }));
  await world.insert([
    ...calls(START, 10, "v1", () => ({})),
    ...long(START + 10 * DAY_MS, 2),
    ...calls(START + 12 * DAY_MS, 7, "v1", () => ({})),
  ]);
  const monitor = world.restart();
  await monitor.run();
  expect(await world.events()).toEqual([]);
  const seen: string[] = [];
  for (let day = 0; day < 9; day++) {
    await world.clock.advance(DAY_MS);
    await monitor.run();
    seen.push((await world.events()).map((event) => event.type).join(" "));
  }
  expect(seen[0]).toBe("detected");
  expect(seen.at(-1)).toBe("detected recovered");
  const [event] = await world.events();
  expect(event).toMatchObject({
    detection: { kind: "input_drift", severity: "SEV3", use_case: WORLD_USE_CASE },
  });
});

test("a use case of another replica is left alone until it is held", async () => {
  let isHeld = false;
  world = await openStoreWorld(START + 9.25 * DAY_MS, () => isHeld);
  const masked = calls(START + 9 * DAY_MS, 1, "v2", () => ({})).map((call) => ({
    ...call,
    output: call.output!.replace(/\$\d+/, "[REDACTED]"),
  }));
  await world.insert([...calls(START, 9, "v1", () => ({})), ...masked]);
  const monitor = world.restart();
  await monitor.run();
  expect(await world.events()).toEqual([]);
  isHeld = true;
  await monitor.run();
  expect(await world.events()).toHaveLength(1);
});

type StoreWorld = Awaited<ReturnType<typeof openStoreWorld>>;

async function openStoreWorld(start: number, holds: (useCase: string) => boolean = () => true) {
  const path = await mkdtemp(join(tmpdir(), "plumbline-measures-"));
  const engine = await openEmbeddedClickHouse({ path });
  const store = createClickHouseStore(engine);
  await store.migrate();
  // The calls lie in the past, and texts expire.
  await engine.command("SYSTEM STOP TTL MERGES");
  const clock = new VirtualClock(start);
  const log = createMemoryEventLog({ clock });
  const world = createStoreWorld({ store, log, clock, holds, remove: () => rm(path, { recursive: true }) });
  return { ...world, clock };
}
