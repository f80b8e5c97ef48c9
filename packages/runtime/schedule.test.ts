import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { afterEach, expect, test } from "vitest";
import { createLogger } from "./logger.ts";
import { createScheduler, type ScheduledJob } from "./schedule.ts";

const logger = createLogger("test", "silent");
const HOUR_MS = 3_600_000;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function start(jobs: readonly ScheduledJob[]) {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  const scheduler = createScheduler(jobs, { clock, logger });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await running;
  });
  return { clock, health: () => scheduler.health()[0]! };
}

function counted(everyMs: number, run: ScheduledJob["run"] = async () => undefined) {
  const job = { name: "look", everyMs, runs: 0, run: (signal: AbortSignal) => (job.runs++, run(signal)) };
  return job;
}

test.each([-2 * HOUR_MS, 2 * HOUR_MS])(
  "a wall clock that steps by %i ms neither stops a job nor makes it run more often",
  async (step) => {
    const job = counted(60_000);
    const { clock, health } = start([job]);
    await clock.advance(10 * 60_000);
    expect(job.runs).toBe(10);
    clock.step(step);
    await clock.advance(10 * 60_000);
    expect(job.runs).toBe(20);
    expect(health()).toMatchObject({ runs: 20, failures: 0, is_overdue: false });
  },
);

test("a run that takes longer than the period skips the starts that it missed", async () => {
  let world: VirtualClock | null = null;
  const job = counted(60_000, () => world!.sleep(90_000));
  const { clock } = start([job]);
  world = clock;
  await clock.advance(10 * 60_000);
  expect(job.runs).toBe(5);
});

test("one job's failures stop no other, are counted, and make the job overdue after three periods", async () => {
  let isBroken = true;
  const broken = counted(60_000, async () => {
    if (isBroken) throw new Error("the store is away");
  });
  const healthy = { ...counted(60_000), name: "other" };
  const { clock, health } = start([broken, healthy]);
  await clock.advance(2 * 60_000);
  expect(health()).toMatchObject({ runs: 2, failures: 2, last_success_at: null, is_overdue: false });
  await clock.advance(61_000);
  expect(health()).toMatchObject({ failures: 3, last_error: "the store is away", is_overdue: true });

  isBroken = false;
  await clock.advance(60_000);
  expect(health()).toMatchObject({ failures: 3, last_error: null, is_overdue: false });
  expect(Date.parse(health().last_success_at!)).toBeLessThanOrEqual(clock.now());
});

test("a run that never ends is overdue", async () => {
  const { clock, health } = start([counted(60_000, () => new Promise(() => undefined))]);
  await clock.advance(4 * 60_000);
  expect(health()).toMatchObject({ runs: 0, is_overdue: true });
  stops.length = 0;
});

test("a partial run is a success that names what it left out", async () => {
  const { clock, health } = start([counted(60_000, async () => [{ part: "t/e/u", error: "too many rows" }])]);
  await clock.advance(60_000);
  expect(health()).toMatchObject({
    failures: 0,
    partial_runs: 1,
    failed_parts_count: 1,
    failed_parts: [{ part: "t/e/u", error: "too many rows" }],
    last_error: "too many rows",
    is_overdue: false,
  });
});
