/** What the measures ask of a store in which nothing happens, and what they must notice nevertheless. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Store } from "@plumbline/ports";
import { afterEach, expect, test } from "vitest";
import { calls, createStoreWorld, WORLD_USE_CASE } from "./store-world.fixture.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse("2026-03-02T00:00:00Z");
const THE_QUESTION = ["versionActivity"];

let world: StoreWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

test("an empty store is asked one question an hour and none within the hour, over midnight and after a restart", async () => {
  world = await openStoreWorld(START + 9 * DAY_MS);
  let monitor = world.restart();
  await monitor.run();
  expect(world.asked()).toEqual(THE_QUESTION);
  for (let hour = 0; hour < 30; hour++) {
    await world.clock.advance(HOUR_MS - 1);
    await monitor.run();
    expect(world.asked()).toEqual([]);
    await world.clock.advance(1);
    await monitor.run();
    expect(world.asked()).toEqual(THE_QUESTION);
  }
  monitor = world.restart();
  await monitor.run();
  expect(world.asked()).toEqual(THE_QUESTION);
});

test("calls that were measured cost one question an hour, the anchors one a day, and a restart only the days that had calls", async () => {
  world = await openStoreWorld(START + 9 * DAY_MS);
  await world.insert(calls(START, 9, "v1", () => ({})));
  const monitor = world.restart();
  await monitor.run();
  world.asked();
  for (let hour = 1; hour <= 48; hour++) {
    await world.clock.advance(HOUR_MS);
    await monitor.run();
    const isNewDay = hour % 24 === 0;
    expect(world.asked()).toEqual(isNewDay ? [...THE_QUESTION, "anchorDays"] : THE_QUESTION);
  }

  const key = { tenant: "default", env: "production", use_case: WORLD_USE_CASE };
  const known = monitor.normal(key, "v1");
  expect(known.length).toBeGreaterThan(0);
  const restarted = world.restart();
  await restarted.run();
  const asked = world.asked();
  expect(asked.filter((method) => method === "featureHours")).toHaveLength(9);
  expect(asked.filter((method) => method === "outcomeHours")).toHaveLength(9);
  expect(restarted.normal(key, "v1")).toEqual(known);
});

test("a window and a day of texts end with time, although no call follows them", async () => {
  const noon = START + 8.5 * DAY_MS;
  world = await openStoreWorld(noon);
  await world.insert(calls(START, 9, "v1", () => ({})).filter(({ at }) => at < noon));
  const monitor = world.restart();
  await monitor.run();
  world.asked();
  for (let hour = 13; hour < 24; hour++) {
    await world.clock.advance(HOUR_MS);
    await monitor.run();
    expect(world.asked()).toEqual(THE_QUESTION);
  }
  await world.clock.advance(HOUR_MS);
  await monitor.run();
  // The window is decided; then the texts of the day and of the days before; what was decided is stored at once.
  expect(world.asked()).toEqual([
    ...THE_QUESTION,
    "driftTexts",
    "driftTexts",
    "insertDriftResults",
    "anchorDays",
  ]);
});

test("what moves after two days of silence is asserted as ever", async () => {
  const back = START + 11 * DAY_MS;
  world = await openStoreWorld(START + 9 * DAY_MS);
  await world.insert(calls(START, 9, "v1", () => ({})));
  const monitor = world.restart();
  for (; world.clock.now() < back; await world.clock.advance(HOUR_MS)) await monitor.run();
  await monitor.run();
  const masked = calls(back, 1, "v2", () => ({})).map((call) => ({
    ...call,
    output: call.output!.replace(/\$\d+/, "[REDACTED]"),
  }));
  world.asked();
  for (let hour = 0; hour < 3; hour++) {
    const [start, end] = [back + hour * HOUR_MS, back + (hour + 1) * HOUR_MS];
    await world.insert(masked.filter(({ at }) => at >= start && at < end));
    await world.clock.advance(HOUR_MS);
    await monitor.run();
    expect(world.asked()).toEqual([...THE_QUESTION, "featureHours", "outcomeHours", "anchorDays"]);
  }
  expect((await world.events()).at(-1)).toMatchObject({
    type: "detected",
    detection: { kind: "output_drift", candidate: { prompt_version: "v2" } },
  });
});

test("a call whose sender's clock is ahead is measured in its hour, though it arrived before", async () => {
  world = await openStoreWorld(START + 2 * DAY_MS);
  await world.insert(calls(START, 2, "v1", () => ({})));
  const monitor = world.restart();
  await monitor.run();
  const at = START + 2 * DAY_MS + 5 * 60_000;
  await world.insert([{ at, arrivedAt: at - 9 * 60_000, version: "v2", input: "late", output: "late" }]);
  world.asked();
  await world.clock.advance(HOUR_MS);
  await monitor.run();
  expect(world.asked()).toContain("featureHours");
});

test("a drift that a person dismissed is not explained again every hour", async () => {
  world = await openStoreWorld(START + 11 * DAY_MS);
  const moved = calls(START + 9 * DAY_MS, 2, "v1", () => ({})).map((call) => ({
    ...call,
    input: `${call.input} ${"and where is it ".repeat(20)}https://example.com/x`,
  }));
  await world.insert([...calls(START, 9, "v1", () => ({})), ...moved]);
  const monitor = world.restart();
  await monitor.run();
  expect(world.asked()).toContain("judgedUnits");
  const [detected] = await world.events();
  expect(detected).toMatchObject({ type: "detected", detection: { kind: "input_drift" } });
  await world.append({
    type: "dismissed",
    incident_id: detected!.incident_id,
    at: new Date(world.clock.now()).toISOString(),
    actor: "ann",
    why: "a campaign",
  });
  await world.clock.advance(HOUR_MS);
  await monitor.run();
  expect(world.asked()).toEqual(THE_QUESTION);
  expect(await world.events()).toHaveLength(2);
});

test("a judge that drifts while no call arrives is asserted with the next day", async () => {
  world = await openStoreWorld(START + 9 * DAY_MS);
  await world.insert(calls(START + 8 * DAY_MS, 1, "v1", () => ({})));
  for (const [day, agreements] of [95, 96, 94, 95].entries())
    await world.store.insertVerdicts(anchorVerdicts(START + (5 + day) * DAY_MS, agreements));
  const monitor = world.restart();
  await monitor.run();
  expect(await world.events()).toEqual([]);

  await world.store.insertVerdicts(anchorVerdicts(START + 9 * DAY_MS, 60));
  for (let hour = 0; hour < 24; hour++) {
    await world.clock.advance(HOUR_MS);
    await monitor.run();
  }
  expect(await world.events()).toMatchObject([{ type: "detected", detection: { kind: "judge_drift" } }]);
});

/** A hundred anchor items judged again at `at`, ms, of which `agreements` got their frozen verdict. */
function anchorVerdicts(at: number, agreements: number): Parameters<Store["insertVerdicts"]>[0] {
  const judgedAt = new Date(at).toISOString();
  return Array.from({ length: 100 }, (_, item) => ({
    log_partition: 0,
    log_offset: at / HOUR_MS + item,
    ingested_at: judgedAt,
    verdict: {
      call_id: `01935b2e-7c4e-7000-8000-${item.toString(16).padStart(12, "0")}`,
      tenant: "default",
      env: "production",
      use_case: "plumbline.anchors",
      prompt_version: "",
      model: "m",
      conversation_id: `anchor-${item}`,
      started_at: judgedAt,
      criterion: `${WORLD_USE_CASE}/faithfulness`,
      is_guardrail: true,
      rubric_hash: "r",
      judge: "j",
      state: "scored",
      label: item < agreements ? "pass" : "fail",
      score: item < agreements ? 1 : 0,
      reason: "",
      failure_type: null,
      judged_at: judgedAt,
      latency_ms: 1,
      cost_usd: null,
      slices: [],
      sample_rate: 1,
    },
  }));
}

type StoreWorld = Awaited<ReturnType<typeof openStoreWorld>>;

async function openStoreWorld(start: number) {
  const path = await mkdtemp(join(tmpdir(), "plumbline-measures-"));
  const engine = await openEmbeddedClickHouse({ path });
  const store = createClickHouseStore(engine);
  await store.migrate();
  // The calls lie in the past, and texts expire.
  await engine.command("SYSTEM STOP TTL MERGES");
  const clock = new VirtualClock(start);
  const log = createMemoryEventLog({ clock });
  const world = createStoreWorld({
    store,
    log,
    clock,
    holds: () => true,
    remove: () => rm(path, { recursive: true }),
  });
  return { ...world, clock };
}
