import { inputFingerprint } from "@plumbline/features";
import { createLexicalJudge } from "@plumbline/adapters/lexical/judge";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import {
  ExternalError,
  LogError,
  StoreError,
  type Clock,
  type EventLog,
  type Judge,
  type JudgeAnswer,
  type PendingCall,
} from "@plumbline/ports";
import { examine, type Examination } from "@plumbline/runtime/health";
import { createLogger } from "@plumbline/runtime/logger";
import { Verdict } from "@plumbline/schemas";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Budget } from "./budget.ts";
import { JudgeConfig } from "./config.ts";
import { DEFAULT_RUBRICS } from "./default-rubric.ts";
import { createJudgeService, type JudgeServiceDeps } from "./service.ts";

const START = "2026-03-01T12:00:00.000Z";
const [RUBRIC] = DEFAULT_RUBRICS;
const logger = createLogger("judge-test", "silent");
const PASS: JudgeAnswer = {
  state: "scored",
  label: "pass",
  score: 1,
  reason: "all supported",
  failure_type: null,
  cost_usd: 0.01,
};

function pending(number: number, fields: Partial<PendingCall> = {}): PendingCall {
  return {
    call_id: `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    tenant: "acme",
    env: "production",
    use_case: "ticket-summary",
    prompt_version: "sha256:abc",
    model: "m",
    conversation_id: `conversation-${number}`,
    started_at: START,
    ingested_at: START,
    slices: ["mentions_money"],
    sample_rate: 0.05,
    texts: "stored",
    input: "I was charged $49.99 twice.",
    output: "Charged $49.99 twice.",
    ...fields,
  };
}

const many = (count: number, fields: Partial<PendingCall> = {}): PendingCall[] =>
  Array.from({ length: count }, (_, k) => pending(k, fields));

/** A store that shows every call without a stored verdict, as the pending query does. */
function storeOf(calls: readonly PendingCall[], stored: ReadonlySet<string> = new Set()) {
  return {
    pendingCalls: async ({ limit }: { limit: number }): Promise<readonly PendingCall[]> =>
      calls.filter((call) => !stored.has(call.call_id)).slice(0, limit),
  };
}

const judgeOf = (judge: Judge["judge"]): Judge => ({ name: "fake", judge });

async function verdictsIn(log: EventLog): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { partition, high } of await log.watermarks("plumbline.verdicts")) {
    for (const { value } of await log.read("plumbline.verdicts", partition, 0, { recordsMax: high })) {
      verdicts.push(Verdict.parse(JSON.parse(Buffer.from(value).toString("utf8"))));
    }
  }
  return verdicts;
}

function countStates(verdicts: readonly Verdict[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of verdicts) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

const running: { stop: AbortController; done: Promise<void> }[] = [];
afterEach(async () => {
  for (const { stop, done } of running.splice(0)) {
    stop.abort();
    await done;
  }
});

function start(
  deps: Pick<JudgeServiceDeps, "store" | "judge" | "log" | "clock"> & Partial<JudgeServiceDeps>,
  environment: Record<string, string> = {},
): { stop: AbortController; done: Promise<void>; ready: () => Promise<Examination> } {
  const stop = new AbortController();
  const service = createJudgeService({
    rubrics: DEFAULT_RUBRICS,
    logger,
    config: JudgeConfig.parse(environment),
    ...deps,
  });
  const ready = (): Promise<Examination> => examine(service.health!.readiness!);
  const run = { stop, done: service.run(stop.signal), ready };
  running.push(run);
  return run;
}

function virtual(): { clock: VirtualClock; log: EventLog } {
  const clock = new VirtualClock(START);
  return { clock, log: createMemoryEventLog({ clock }) };
}

/** Moves time on until the log holds `count` verdicts. */
async function until(count: number, log: EventLog, clock: VirtualClock, stepMs = 1_000): Promise<Verdict[]> {
  for (let step = 0; step < 2_000; step++) {
    const verdicts = await verdictsIn(log);
    if (verdicts.length >= count) return verdicts;
    await clock.advance(stepMs);
  }
  throw new Error(`only ${(await verdictsIn(log)).length} of ${count} verdicts`);
}

/** Lets time go by in steps, so that what is due in between happens in between. */
async function pass(ms: number, clock: VirtualClock, stepMs = 1_000): Promise<void> {
  const end = clock.now() + ms;
  while (clock.now() < end) await clock.advance(Math.min(stepMs, end - clock.now()));
}

test("a sampled call gets one verdict with its version, slices and rate, keyed by its id and with its tenant", async () => {
  const { clock, log } = virtual();
  start({ clock, log, store: storeOf([pending(1)]), judge: judgeOf(async () => PASS) });
  const [verdict] = await until(1, log, clock);
  expect(verdict).toEqual({
    call_id: pending(1).call_id,
    tenant: "acme",
    env: "production",
    use_case: "ticket-summary",
    prompt_version: "sha256:abc",
    model: "m",
    conversation_id: "conversation-1",
    started_at: START,
    criterion: "faithfulness",
    is_guardrail: true,
    rubric_hash: RUBRIC!.hash,
    judge: "fake",
    state: "scored",
    label: "pass",
    score: 1,
    reason: "all supported",
    failure_type: null,
    judged_at: expect.stringMatching(/Z$/),
    latency_ms: expect.any(Number),
    cost_usd: 0.01,
    slices: ["mentions_money"],
    sample_rate: 0.05,
    input_fingerprint: inputFingerprint("ticket-summary", pending(1).input!),
  });
  const [record] = await log.read("plumbline.verdicts", 0, 0, { recordsMax: 1 });
  expect(record).toMatchObject({ key: pending(1).call_id, headers: { tenant: "acme" } });
});

test("nothing is judged twice while verdicts are slow to reach the store", async () => {
  const { clock, log } = virtual();
  const asked: string[] = [];
  const judge = judgeOf(async ({ output }) => {
    asked.push(output);
    return PASS;
  });
  const calls = Array.from({ length: 3_000 }, (_, k) => pending(k, { output: `answer ${k}` }));
  // The store never shows a verdict, so that later looks are full of decided calls.
  start(
    { clock, log, store: storeOf(calls), judge },
    { PLUMBLINE_JUDGE_CALLS_PER_HOUR: "100000", PLUMBLINE_JUDGE_USD_PER_DAY: "1000" },
  );
  await until(3_000, log, clock);
  await pass(60_000, clock);
  expect(asked).toHaveLength(3_000);
  expect(await verdictsIn(log)).toHaveLength(3_000);
});

test("after a crash, verdicts that are in the log but not in the store are not made again, and count against the budget", async () => {
  const { clock, log } = virtual();
  const calls = many(12);
  const limits = { PLUMBLINE_JUDGE_USD_PER_DAY: "0.105", PLUMBLINE_JUDGE_CONCURRENCY: "1" };
  const first = start(
    { clock, log, store: storeOf(calls.slice(0, 10)), judge: judgeOf(async () => PASS) },
    limits,
  );
  await until(10, log, clock);
  first.stop.abort();
  await first.done;

  let asked = 0;
  const judge = judgeOf(async () => {
    asked++;
    return PASS;
  });
  start({ clock, log, store: storeOf(calls), judge }, limits);
  const verdicts = await until(12, log, clock);
  expect(asked).toBe(1);
  expect(countStates(verdicts)).toEqual({ scored: 11, over_budget: 1 });
  expect(new Set(verdicts.map((each) => each.call_id)).size).toBe(12);
});

test("two replicas divide the use cases and judge each call once", async () => {
  const clock = new VirtualClock(START);
  const log = createMemoryEventLog({ clock, partitions: 16 });
  const calls = Array.from({ length: 60 }, (_, k) => pending(k, { use_case: `use-case-${k % 20}` }));
  const judge = judgeOf(async () => PASS);
  start({ clock, log, store: storeOf(calls), judge });
  start({ clock, log, store: storeOf(calls), judge });
  await until(60, log, clock);
  await pass(20_000, clock);
  const verdicts = await verdictsIn(log);
  expect(new Set(verdicts.map((each) => each.call_id)).size).toBe(60);
  // A hand-over of a partition may repeat what was in flight; it must not repeat everything.
  expect(verdicts.length).toBeLessThan(90);
});

describe("each call ends in one state, and the counts add up", () => {
  test.each([
    {
      name: "no input captured",
      call: { input: null },
      state: "cannot_judge",
      reason: /input was not captured/,
    },
    {
      name: "no output captured",
      call: { output: null },
      state: "cannot_judge",
      reason: /output was not captured/,
    },
    {
      name: "a call that waited too long",
      call: { ingested_at: "2026-02-27T12:00:00.000Z" },
      state: "expired",
      reason: /24 hours/,
    },
  ])("$name: $state, without asking the judge", async ({ call, state, reason }) => {
    const { clock, log } = virtual();
    const judge = judgeOf(() => Promise.reject(new Error("must not be asked")));
    start({ clock, log, store: storeOf([pending(1, call)]), judge });
    const [verdict] = await until(1, log, clock);
    expect(verdict).toMatchObject({ state, label: null, score: null, reason: expect.stringMatching(reason) });
  });

  test.each([
    {
      name: "a refusal",
      answer: { state: "cannot_judge", reason: "the judge refused", cost_usd: 0.02 },
      state: "cannot_judge",
    },
    { name: "a score above one", answer: { ...PASS, score: 7 }, state: "failed" },
    { name: "a score that is no number", answer: { ...PASS, score: Number.NaN }, state: "failed" },
    { name: "a pass below the mark", answer: { ...PASS, score: 0.1 }, state: "failed" },
    { name: "a negative cost", answer: { ...PASS, cost_usd: -1 }, state: "failed" },
  ] as { name: string; answer: JudgeAnswer; state: string }[])(
    "a judge with $name: $state",
    async ({ answer, state }) => {
      const { clock, log } = virtual();
      start({ clock, log, store: storeOf([pending(1)]), judge: judgeOf(async () => answer) });
      const [verdict] = await until(1, log, clock);
      expect(verdict).toMatchObject({ state, score: null, label: null });
      expect(verdict?.reason).not.toBe("");
    },
  );

  test("an answer that does not parse for good fails that call at once, and the others go on", async () => {
    const { clock, log } = virtual();
    const judge = judgeOf(async ({ output }) => {
      if (output === "bad") throw new ExternalError("external_invalid_response", "no answer");
      return PASS;
    });
    start({ clock, log, judge, store: storeOf([pending(1, { output: "bad" }), ...many(6).slice(2)]) });
    expect(countStates(await until(5, log, clock))).toEqual({ failed: 1, scored: 4 });
  });

  test("the day's budget holds, the rest ends as over_budget, and the next day starts anew", async () => {
    const { clock, log } = virtual();
    const calls = many(40);
    let asked = 0;
    const judge = judgeOf(async () => {
      asked++;
      return PASS;
    });
    start({ clock, log, store: storeOf(calls), judge }, { PLUMBLINE_JUDGE_USD_PER_DAY: "0.2" });
    const verdicts = await until(40, log, clock);
    expect(countStates(verdicts)).toMatchObject({ scored: asked, over_budget: 40 - asked });
    // Overshot by less than the judgements in flight when the first price became known.
    expect(asked).toBeGreaterThanOrEqual(20);
    expect(asked).toBeLessThanOrEqual(20 + 8);

    await clock.advance(13 * 3_600_000);
    calls.push(
      ...Array.from({ length: 5 }, (_, k) =>
        pending(100 + k, { ingested_at: new Date(clock.now()).toISOString() }),
      ),
    );
    await until(45, log, clock);
    expect(asked).toBeGreaterThanOrEqual(25);
  });

  test("the hour's judgements are bounded even when nobody knows the price", async () => {
    const { clock, log } = virtual();
    const judge = judgeOf(async () => ({ ...PASS, cost_usd: null }));
    start({ clock, log, store: storeOf(many(30)), judge }, { PLUMBLINE_JUDGE_CALLS_PER_HOUR: "10" });
    expect(countStates(await until(30, log, clock))).toEqual({ scored: 10, over_budget: 20 });
  });
});

describe("faults of the judge", () => {
  test("60 s of latency: judgements in flight stay bounded, and all calls are judged", async () => {
    const { clock, log } = virtual();
    let inFlight = 0;
    let most = 0;
    const judge = judgeOf(async (_request, { signal }) => {
      most = Math.max(most, ++inFlight);
      await clock.sleep(60_000, signal);
      inFlight--;
      return PASS;
    });
    start({ clock, log, store: storeOf(many(40)), judge }, { PLUMBLINE_JUDGE_CONCURRENCY: "4" });
    expect(countStates(await until(40, log, clock, 10_000))).toEqual({ scored: 40 });
    expect(most).toBe(4);
    expect(clock.now() - Date.parse(START)).toBeGreaterThanOrEqual(600_000);
  });

  test("a judge that never answers: calls fail with a reason after the allowed attempts", async () => {
    const { clock, log } = virtual();
    const judge = judgeOf(() => new Promise(() => undefined));
    const limits = { PLUMBLINE_JUDGE_ATTEMPTS_MAX: "3", PLUMBLINE_JUDGE_AGE_HOURS_MAX: "100" };
    start({ clock, log, store: storeOf(many(3)), judge }, limits);
    const verdicts = await until(3, log, clock, 30_000);
    expect(countStates(verdicts)).toEqual({ failed: 3 });
    expect(verdicts[0]?.reason).toContain("did not answer in 3 attempts");
  });

  test.each([
    {
      name: "a rate limit",
      error: () => new ExternalError("external_rate_limited", "HTTP 429", { retryAfterMs: 30_000 }),
    },
    { name: "a refused key", error: () => new ExternalError("external_refused", "HTTP 401") },
  ])(
    "$name of two hours: no call is burnt, few requests are made, and all are judged afterwards",
    async ({ error }) => {
      const { clock, log } = virtual();
      let asked = 0;
      const backAt = clock.now() + 2 * 3_600_000;
      const judge = judgeOf(async () => {
        asked++;
        if (clock.now() < backAt) throw error();
        return PASS;
      });
      start({ clock, log, store: storeOf(many(50)), judge });
      await pass(2 * 3_600_000 - 1, clock, 5_000);
      expect(asked).toBeGreaterThan(8);
      expect(await verdictsIn(log)).toEqual([]);
      expect(asked).toBeLessThan(300);
      expect(countStates(await until(50, log, clock, 10_000))).toEqual({ scored: 50 });
    },
  );

  test("a judge that stays away: the backlog ages out with a count, while calls without text are still decided", async () => {
    const { clock, log } = virtual();
    const judge = judgeOf(() => Promise.reject(new ExternalError("external_rate_limited", "HTTP 429")));
    const calls = [...many(20), pending(99, { output: null })];
    const { ready } = start(
      { clock, log, store: storeOf(calls), judge },
      { PLUMBLINE_JUDGE_AGE_HOURS_MAX: "2" },
    );
    await pass(3_600_000, clock, 5_000);
    expect(countStates(await verdictsIn(log))).toEqual({ cannot_judge: 1 });
    expect(await ready()).toMatchObject({
      ok: false,
      checks: {
        work: {
          ok: true,
          message: expect.stringMatching(/^20 calls waited at the last look, the oldest for/),
        },
        model: { ok: false, message: expect.stringMatching(/did not answer \d+ times in a row/) },
      },
    });
    await pass(2 * 3_600_000, clock, 5_000);
    expect(countStates(await verdictsIn(log))).toEqual({ cannot_judge: 1, expired: 20 });
  });

  test("a judge that breaks its contract stops the service", async () => {
    const { clock, log } = virtual();
    const judge = judgeOf(() => Promise.reject(new TypeError("bug")));
    const { done } = start({ clock, log, store: storeOf([pending(1)]), judge });
    running.pop();
    const stopped = expect(done).rejects.toThrow("bug");
    await pass(5_000, clock);
    await stopped;
  });
});

describe("faults of the store and the log", () => {
  test("the store and the log down for minutes: nothing is lost, nothing is judged twice", async () => {
    const { clock, log } = virtual();
    const storeBackAt = clock.now() + 120_000;
    const logBackAt = clock.now() + 300_000;
    let asked = 0;
    const judge = judgeOf(async () => {
      asked++;
      return PASS;
    });
    const store = storeOf(many(10));
    const { ready } = start({
      clock,
      judge,
      log: {
        ...log,
        append: async (topic, records) => {
          if (clock.now() < logBackAt) throw new LogError("log_unavailable", "down", { retryable: true });
          return log.append(topic, records);
        },
      },
      store: {
        pendingCalls: async (query) => {
          if (clock.now() < storeBackAt) throw new StoreError("store_retriable", "down");
          return store.pendingCalls(query);
        },
      },
    });
    expect((await ready()).checks["work"]).toEqual({ ok: false, message: "the work list was not read yet" });
    await pass(60_000, clock);
    expect((await ready()).checks["work"]).toEqual({ ok: false, message: "judge.look fails: down" });
    await pass(120_000, clock);
    expect((await ready()).checks["work"]).toEqual({ ok: false, message: "judge.append fails: down" });
    expect(await until(10, log, clock, 5_000)).toHaveLength(10);
    expect(asked).toBe(10);
    await expect.poll(ready).toMatchObject({ ok: true });
  });

  test("a store that is wrong, not down, stops the service", async () => {
    const { clock, log } = virtual();
    const store = { pendingCalls: () => Promise.reject(new StoreError("store_config", "no such table")) };
    const { done } = start({ clock, log, store, judge: judgeOf(async () => PASS) });
    running.pop();
    await expect(done).rejects.toThrow("no such table");
  });

  test("a stop appends what is decided, and what is in flight stays on the list", async () => {
    const { clock, log } = virtual();
    const judge = judgeOf(async ({ output }, { signal }) => {
      if (output === "slow") await clock.sleep(3_600_000, signal);
      return PASS;
    });
    const run = start({ clock, log, judge, store: storeOf([pending(1), pending(2, { output: "slow" })]) });
    await pass(2_000, clock, 100);
    run.stop.abort();
    await run.done;
    expect((await verdictsIn(log)).map((each) => each.call_id)).toEqual([pending(1).call_id]);
  });
});

test("when there is nothing to do it looks every two to five seconds", async () => {
  const { clock, log } = virtual();
  let looks = 0;
  const store = {
    pendingCalls: async () => {
      looks++;
      return [];
    },
  };
  start({ clock, log, store, judge: judgeOf(async () => PASS) });
  await pass(60_000, clock, 100);
  expect(looks).toBeGreaterThanOrEqual(12);
  expect(looks).toBeLessThanOrEqual(15);
});

test("with the lexical judge it judges a flood and lets the process breathe", async () => {
  const clock: Clock = {
    now: () => Date.parse(START) + performance.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
  const log = createMemoryEventLog({ clock });
  const calls = many(4_000, { input: "The customer was charged $49.99 twice. ".repeat(20) });
  const stored = new Set<string>();
  let longestTurn = 0;
  let turns = 0;
  let last = performance.now();
  const pulse = setInterval(() => {
    turns += 1;
    longestTurn = Math.max(longestTurn, performance.now() - last);
    last = performance.now();
  }, 1);
  const started = performance.now();
  start({ clock, log, store: storeOf(calls, stored), judge: createLexicalJudge() });
  await vi.waitFor(async () => expect((await log.watermarks("plumbline.verdicts"))[0]?.high).toBe(4_000), {
    timeout: 110_000,
    interval: 20,
  });
  clearInterval(pulse);
  const perSecond = 4_000 / ((performance.now() - started) / 1_000);
  console.info(
    `lexical judge: ${Math.round(perSecond)} verdicts a second, longest turn ${Math.round(longestTurn)} ms`,
  );
  // Measured: 4,000 to 8,000 a second on an idle core. All at once, the turn would be as long as the whole.
  expect(turns).toBeGreaterThan(20);
  expect(countStates(await verdictsIn(log))).toEqual({ scored: 4_000 });
});

test.each([-7_200_000, 7_200_000])(
  "a wall clock that steps by %i ms neither stops judging nor gives a second budget",
  async (step) => {
    const { clock, log } = virtual();
    const calls = many(10);
    start({ clock, log, store: storeOf(calls), judge: judgeOf(async () => ({ ...PASS, cost_usd: 0 })) });
    await until(10, log, clock);
    clock.step(step);
    const ingested_at = new Date(clock.now()).toISOString();
    calls.push(
      ...Array.from({ length: 5 }, (_, k) => pending(50 + k, { ingested_at, started_at: ingested_at })),
    );
    const steppedAt = clock.monotonic();
    const verdicts = await until(15, log, clock);
    expect(verdicts).toHaveLength(15);
    expect(clock.monotonic() - steppedAt).toBeLessThan(10 * 60_000);
    expect(verdicts.every(({ latency_ms }) => latency_ms >= 0)).toBe(true);
  },
);

test("a budget that is used up stays used up when the clock is set back, and ends with the next day", () => {
  const budget = new Budget({ usdPerDay: 1, callsPerHour: 100 });
  const now = Date.parse(START);
  budget.settle(2, now);
  expect(budget.reserve(now - 7_200_000)).toMatch(/1 US dollar a day/);
  expect(budget.reserve(now - 36 * 3_600_000)).toMatch(/1 US dollar a day/);
  expect(budget.reserve(now + 24 * 3_600_000)).toBeNull();
});
