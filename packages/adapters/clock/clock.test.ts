import { expect, test } from "vitest";
import { systemClock } from "./system-clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

const START = Date.parse("2026-03-01T00:00:00Z");

test("virtual time stands still until it is advanced", async () => {
  const clock = new VirtualClock("2026-03-01T00:00:00Z");
  expect(clock.now()).toBe(START);
  await clock.advance(90_000);
  expect(clock.now()).toBe(START + 90_000);
});

test("sleepers wake in order of their time, and equal times in the order of falling asleep", async () => {
  const clock = new VirtualClock(0);
  const woken: [string, number][] = [];
  const sleepFor = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms);
    woken.push([name, clock.now()]);
  };
  const all = [sleepFor("late", 30), sleepFor("first", 10), sleepFor("second", 10), sleepFor("never", 31)];

  await clock.advance(30);
  expect(woken).toEqual([
    ["first", 10],
    ["second", 10],
    ["late", 30],
  ]);
  expect(clock.sleeping).toBe(1);
  await clock.advance(1);
  await Promise.all(all);
});

test("a loop that sleeps again is woken again within one advance", async () => {
  const clock = new VirtualClock(0);
  const stop = new AbortController();
  let rounds = 0;
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(60_000, stop.signal);
      rounds += 1;
    }
  })();

  await clock.advance(3_600_000);
  expect(rounds).toBe(60);
  stop.abort();
  await loop;
  expect(clock.sleeping).toBe(0);
});

test("a virtual sleep ends at once when its signal aborts, or has aborted, and never rejects", async () => {
  const clock = new VirtualClock(0);
  const stop = new AbortController();
  const sleep = clock.sleep(1_000, stop.signal);
  stop.abort();
  await sleep;
  await clock.sleep(1_000, stop.signal);
  await clock.sleep(0);
  expect(clock.now()).toBe(0);
});

test("virtual time never goes back, and starts at a real time", async () => {
  expect(() => new VirtualClock("yesterday")).toThrow(RangeError);
  await expect(new VirtualClock(0).advance(-1)).rejects.toThrow(RangeError);
});

test("a system sleep lasts at least as long as asked, and ends early when its signal aborts", async () => {
  const start = performance.now();
  await systemClock.sleep(20);
  expect(performance.now() - start).toBeGreaterThanOrEqual(20);

  const stop = new AbortController();
  const endless = systemClock.sleep(Number.MAX_SAFE_INTEGER, stop.signal);
  stop.abort();
  await endless;
  await systemClock.sleep(600_000, stop.signal);
  // The test's own time limit is far less than ten minutes.
});

test("a step of the virtual time of day lets no time pass: sleepers wake by elapsed time", async () => {
  const clock = new VirtualClock("2026-03-01T00:00:00Z");
  let hasWoken = false;
  void clock.sleep(60_000).then(() => (hasWoken = true));
  clock.step(-7_200_000);
  await clock.advance(59_999);
  expect([hasWoken, clock.monotonic(), clock.now()]).toEqual([false, 59_999, START - 7_200_000 + 59_999]);
  clock.step(14_400_000);
  expect(clock.monotonic()).toBe(59_999);
  await clock.advance(1);
  expect(hasWoken).toBe(true);
});
