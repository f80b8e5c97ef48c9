/** What one use case may do to the others: nothing, whatever it sends and however much of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { StoreError, type Store, type UseCasePage } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UseCaseGuard } from "../use-cases/use-case-guard.ts";
import { CallFold } from "./call-fold.ts";
import { createStoreWorld, type WorldCall } from "./store-world.fixture.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.parse("2026-03-02T00:00:00Z");
const DAYS = 2;
const USE_CASES = 60;
/** Hours with calls, to be quick. */
const HOURS_A_DAY = 4;
const CALLS = DAYS * HOURS_A_DAY * 4;
const logger = createLogger("measures", "silent");

let path: string;
let store: Store;
const clock = new VirtualClock(START + DAYS * DAY_MS);
const log = createMemoryEventLog({ clock });

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-many-"));
  const engine = await openEmbeddedClickHouse({ path });
  store = createClickHouseStore(engine);
  await store.migrate();
  await engine.command("SYSTEM STOP TTL MERGES");
  const world = createStoreWorld({
    store,
    log,
    clock,
    holds: () => true,
    remove: () => rm(path, { recursive: true }),
  });
  for (let day = 0; day < DAYS; day++) await world.insert(dayOfCalls(START + day * DAY_MS));
}, 300_000);
afterAll(async () => {
  await store.close();
  await rm(path, { recursive: true, force: true });
});

test("sixty use cases with four calls an hour are all measured, although a day of them exceeds the store's limit", async () => {
  const day = { start: new Date(START).toISOString(), end: new Date(START + DAY_MS).toISOString() };
  const limited = withRowsMax(3_000);
  await expect(limited.featureHours(day)).rejects.toMatchObject({ clickhouseCode: 396 });

  const { fold, guard } = foldOf(limited);
  await fold.foldUntil(clock.now());
  expect(guard.failures()).toEqual([]);
  expect(fold.size).toBe(USE_CASES);
  for (let i = 0; i < USE_CASES; i++) expect(callsIn(fold, i)).toBe(CALLS);
});

test("a use case that can't be read is named and left out, the others are measured, and it catches up later", async () => {
  let isBroken = true;
  const { fold, guard } = foldOf({
    ...store,
    featureHours: async (query: UseCasePage) => {
      if (isBroken && query.use_cases?.some(({ use_case }) => use_case === "use-case-7"))
        throw new StoreError("store_unknown", "memory limit", { clickhouseCode: 241 });
      return store.featureHours(query);
    },
  });
  await fold.foldUntil(clock.now());
  expect(guard.failures()).toMatchObject([{ useCase: { use_case: "use-case-7" }, error: "memory limit" }]);
  expect([6, 7, 8].map((i) => callsIn(fold, i))).toEqual([CALLS, 0, CALLS]);
  expect(fold.foldedUntil(clock.now())).toHaveLength(USE_CASES - 1);

  isBroken = false;
  await clock.advance(HOUR_MS);
  await fold.foldUntil(clock.now());
  expect(guard.failures()).toEqual([]);
  expect([6, 7, 8].map((i) => callsIn(fold, i))).toEqual([CALLS, CALLS, CALLS]);
});

test("a store that is away fails the run as a whole, and the next run folds every hour once", async () => {
  let isAway = true;
  const { fold, guard } = foldOf({
    ...store,
    outcomeHours: async (query: UseCasePage) => {
      if (isAway && query.start.startsWith("2026-03-03"))
        throw new StoreError("store_retriable", "ECONNREFUSED");
      return store.outcomeHours(query);
    },
  });
  await expect(fold.foldUntil(clock.now())).rejects.toThrow("ECONNREFUSED");
  expect(guard.failures()).toEqual([]);
  isAway = false;
  await fold.foldUntil(clock.now());
  for (let i = 0; i < USE_CASES; i++) expect(callsIn(fold, i)).toBe(CALLS);
});

/** The store with a smaller limit on the rows of an answer than the one that it has. */
function withRowsMax(rowsMax: number): Store {
  return {
    ...store,
    async featureHours(query) {
      const rows = await store.featureHours(query);
      if (rows.length > rowsMax)
        throw new StoreError("store_retriable", "limit for result exceeded", { clickhouseCode: 396 });
      return rows;
    },
  };
}

function foldOf(seen: Store) {
  const guard = new UseCaseGuard("measures", { clock, logger });
  guard.begin();
  return {
    fold: new CallFold({ store: seen, clock, holds: () => true, guard, timeZoneOf: () => "UTC" }),
    guard,
  };
}

function callsIn(fold: CallFold, useCase: number): number {
  const key = { tenant: "default", env: "production", use_case: `use-case-${useCase}` };
  return fold.get(key)?.measures.callsOf("v1") ?? 0;
}

/** Four calls an hour of each use case. */
function dayOfCalls(from: number): WorldCall[] {
  const calls: WorldCall[] = [];
  for (let hour = 0; hour < HOURS_A_DAY; hour++) {
    for (let i = 0; i < USE_CASES; i++) {
      for (let k = 0; k < 4; k++) {
        const text = `order ${i} cost $${hour}: ${"late ".repeat(1 + k)}`;
        const at = from + hour * HOUR_MS + k * 60_000;
        calls.push({ at, version: "v1", useCase: `use-case-${i}`, input: text, output: `- ${text}` });
      }
    }
  }
  return calls;
}
