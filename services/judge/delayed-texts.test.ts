/** Calls and their texts are two inserts: what the judge says while only one of them has happened. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedClickHouse, openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { CallRow, EventLog, Store } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { LlmCall, Verdict } from "@plumbline/schemas";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TEXT_WAIT_MS } from "./call-texts.ts";
import { JudgeConfig } from "./config.ts";
import { DEFAULT_RUBRICS } from "./default-rubric.ts";
import { createJudgeService } from "./service.ts";

const logger = createLogger("judge-test", "silent");
const START = Date.now();

let folder: string;
let clickhouse: EmbeddedClickHouse;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-delayed-"));
  clickhouse = await openEmbeddedClickHouse({ path: folder });
  await createClickHouseStore(clickhouse).migrate();
});
afterAll(async () => {
  await clickhouse.close();
  await rm(folder, { recursive: true });
});

test("a call is judged by its texts however long they come after it", async () => {
  const gate = holdTexts();
  const inserting = gate.store.insertCalls(rows("late", 0, 20, { input: "Paid $5.", output: "Paid $5." }));
  await gate.callsStored;
  const { clock, log, stop } = judge(gate.store, "late");
  await clock.advance(TEXT_WAIT_MS / 2);
  expect(await verdictsIn(log)).toEqual([]);
  gate.release();
  await inserting;
  await until(20, log, clock);
  expect(new Set((await verdictsIn(log)).map(({ state }) => state))).toEqual(new Set(["scored"]));
  await stop();
});

test("a call that announces no texts is decided at once, one whose texts never come after the wait, by its own name", async () => {
  const gate = holdTexts();
  void gate.store.insertCalls([
    ...rows("lost", 100, 1, {}),
    ...rows("lost", 101, 1, { input: "a", output: "b" }),
  ]);
  await gate.callsStored;
  const { clock, log, stop } = judge(gate.store, "lost");
  const [first] = await until(1, log, clock);
  expect(first).toMatchObject({ state: "cannot_judge", reason: "the input and output were not captured" });
  await clock.advance(TEXT_WAIT_MS + 60_000);
  const verdicts = await until(2, log, clock);
  expect(verdicts[1]).toMatchObject({ state: "failed", reason: expect.stringMatching(/^payload missing/) });
  await stop();
});

/** A store whose texts are inserted when it is told to, and whose calls are at once. */
function holdTexts() {
  let release = (): void => undefined;
  let stored = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const callsStored = new Promise<void>((resolve) => (stored = resolve));
  const store = createClickHouseStore({
    ...clickhouse,
    async insert(block) {
      if (block.table === "plumbline_raw.call_payloads") await gate;
      await clickhouse.insert(block);
      if (block.table === "plumbline_raw.calls") stored();
    },
  });
  return { store, callsStored, release: () => release() };
}

function judge(store: Store, useCase: string) {
  const clock = new VirtualClock(START);
  const log = createMemoryEventLog({ clock });
  const stop = new AbortController();
  const running = createJudgeService({
    log,
    store: {
      pendingCalls: async (query) =>
        (await store.pendingCalls(query)).filter((call) => call.use_case === useCase),
    },
    judge: {
      name: "fake",
      judge: async () => ({
        state: "scored",
        label: "pass",
        score: 1,
        reason: "ok",
        failure_type: null,
        cost_usd: 0,
      }),
    },
    rubrics: DEFAULT_RUBRICS,
    clock,
    logger,
    config: JudgeConfig.parse({}),
  }).run(stop.signal);
  return {
    clock,
    log,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

async function until(count: number, log: EventLog, clock: VirtualClock): Promise<Verdict[]> {
  for (;;) {
    const verdicts = await verdictsIn(log);
    if (verdicts.length >= count) return verdicts;
    await clock.advance(1_000);
  }
}

async function verdictsIn(log: EventLog): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { partition, high } of await log.watermarks("plumbline.verdicts")) {
    for (const { value } of await log.read("plumbline.verdicts", partition, 0, { recordsMax: high }))
      verdicts.push(Verdict.parse(JSON.parse(Buffer.from(value).toString("utf8"))));
  }
  return verdicts;
}

function rows(
  useCase: string,
  from: number,
  count: number,
  texts: { readonly input?: string; readonly output?: string },
): CallRow[] {
  return Array.from({ length: count }, (_, i): CallRow => {
    const at = new Date(START).toISOString();
    const call = LlmCall.parse({
      call_id: `01935b2e-7c4e-7000-8000-${(from + i).toString(16).padStart(12, "0")}`,
      started_at: at,
      app: "test",
      use_case: useCase,
      prompt_version: "v1",
      model: "m",
      status: "ok",
      latency_ms: 1,
      ...texts,
    });
    return {
      log_partition: 0,
      log_offset: from + i,
      ingested_at: at,
      tenant: "default",
      call,
      prompt_version: "v1",
      conversation_id: call.call_id,
      started_at: at,
      clock_skew_ms: 0,
      cost_usd: null,
      slices: [],
      features: {},
      is_sampled: true,
      sample_rate: 1,
      flags: [],
    };
  });
}
