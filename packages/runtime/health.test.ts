import { expect, onTestFinished, test, vi } from "vitest";
import { examine, gatherChecks, Heartbeat, notOk, ok } from "./health.ts";

test("a check that throws, or does not answer in time, has failed with its reason", async () => {
  const checks = {
    good: () => ok("fine"),
    bad: async () => Promise.reject(new Error("no connection")),
    slow: () => new Promise<never>(() => undefined),
  };
  expect(await examine(checks, 20)).toEqual({
    ok: false,
    checks: {
      good: { ok: true, message: "fine" },
      bad: { ok: false, message: "no connection" },
      slow: { ok: false, message: "no answer in 20 ms" },
    },
  });
});

test("a check that has not answered yet is not asked again: probes cost an outage nothing", async () => {
  let asked = 0;
  let answer = (): void => undefined;
  const log = () => {
    asked += 1;
    return new Promise<ReturnType<typeof ok>>((resolve) => (answer = () => resolve(ok("back"))));
  };
  for (let i = 0; i < 5; i++) expect((await examine({ log }, 1)).ok).toBe(false);
  expect(asked).toBe(1);
  answer();
  expect((await examine({ log }, 100)).ok).toBe(true);
});

test("checks of several services stand under their names", async () => {
  const services = [
    { name: "writer", health: { readiness: { log: () => ok("a") } } },
    { name: "judge", health: { readiness: { log: () => notOk("b") } } },
    { name: "page" },
  ];
  expect((await examine(gatherChecks(services, "readiness"))).checks).toEqual({
    "writer.log": { ok: true, message: "a" },
    "judge.log": { ok: false, message: "b" },
  });
});

test("a loop that stopped turning is not alive, and is again when it turns", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const loop = new Heartbeat(50);
  expect(await loop.check()).toMatchObject({ ok: true });
  vi.advanceTimersByTime(60);
  expect(await loop.check()).toMatchObject({ ok: false, message: expect.stringContaining("has not turned") });
  loop.beat();
  expect(await loop.check()).toMatchObject({ ok: true });
});
