import { describe, expect, test } from "vitest";
import { decideSwitch, type SwitchQuestion } from "./decide-switch.ts";
import { ModelWindows } from "./model-windows.ts";

const ENV = "production";
const MODEL = "openai/gpt-5-mini";
const OFF = { evidence: evidence(), actor: "policy", reason: "it failed" };

function evidence() {
  return {
    window_ms: 60_000,
    attempts: 20,
    failures: 20,
    failure_rate: [0.7, 1] as [number, number],
    emitters: 1,
    emitters_failing: 1,
  };
}

/** So many attempts of each process, of which so many fail, all at one time. */
function counted(
  processes: readonly (readonly [attempts: number, failures: number])[],
  atMs = 0,
  windows = new ModelWindows(),
): ModelWindows {
  for (const [i, [attempts, failures]] of processes.entries())
    for (let n = 0; n < attempts; n++)
      windows.add({ env: ENV, model: MODEL, emitter: `p${i}`, isFailure: n < failures }, atMs);
  return windows;
}

function decide(windows: ModelWindows, more: Partial<SwitchQuestion> = {}, nowMs = 0) {
  return decideSwitch({
    tally: (spanMs) => windows.read(ENV, MODEL, spanMs, nowMs),
    off: null,
    offForMs: 0,
    switchesToday: 0,
    switchesMax: 6,
    ...more,
  });
}

describe("a model is switched off", () => {
  test.each<[string, "off" | "hold", readonly (readonly [number, number])[]]>([
    ["nobody tried it: absence says nothing", "hold", []],
    ["19 of 19 failed: too few to tell", "hold", [[19, 19]]],
    ["20 of 20 failed", "off", [[20, 20]]],
    ["half failed: the interval reaches below a half", "hold", [[100, 52]]],
    ["70 of 100 failed", "off", [[100, 70]]],
    [
      "one process of three fails, however often it tries",
      "hold",
      [
        [200, 200],
        [30, 0],
        [30, 0],
      ],
    ],
    [
      "two processes of three fail",
      "off",
      [
        [60, 60],
        [60, 60],
        [10, 0],
      ],
    ],
  ])("%s: %s", (_what, kind, processes) => {
    expect(decide(counted(processes)).kind).toBe(kind);
  });

  test("no more often than the limit of a day allows, and it says that a person decides then", () => {
    const decision = decide(counted([[20, 20]]), { switchesToday: 6 });
    expect(decision).toMatchObject({ kind: "hold", why: expect.stringContaining("a person decides now") });
  });

  test("by what happened within a minute: an outage that is over switches nothing", () => {
    expect(decide(counted([[50, 50]]), {}, 59_000).kind).toBe("off");
    expect(decide(counted([[50, 50]]), {}, 70_000).kind).toBe("hold");
  });
});

describe("a model that is off", () => {
  test.each<[string, "on" | "hold", number, readonly (readonly [number, number])[]]>([
    ["stays off while nobody tries it", "hold", 600_000, []],
    ["stays off with 19 good answers", "hold", 600_000, [[19, 0]]],
    ["comes back with 20", "on", 600_000, [[20, 0]]],
    ["stays off in the first half minute", "hold", 29_000, [[500, 0]]],
    [
      "stays off while a third fails, which would not have switched it off: hysteresis",
      "hold",
      600_000,
      [[90, 30]],
    ],
  ])("%s: %s", (_what, kind, offForMs, processes) => {
    expect(decide(counted(processes), { off: OFF, offForMs }).kind).toBe(kind);
  });

  test("comes back soon after it answers again, though it failed for minutes before", () => {
    const windows = counted([[60, 60]], 0);
    counted([[20, 0]], 300_000, windows);
    expect(decide(windows, { off: OFF, offForMs: 300_000 }, 300_000).kind).toBe("on");
  });

  test("what failed before it was switched off does not count against it", () => {
    const windows = counted([[500, 500]], 0);
    counted([[20, 0]], 40_000, windows);
    expect(decide(windows, { off: OFF, offForMs: 31_000 }, 40_000)).toMatchObject({ kind: "on" });
  });

  test("that a person switched off is a person's", () => {
    const off = { ...OFF, evidence: null, actor: "ann", reason: "its contract ended" };
    expect(decide(counted([[500, 0]]), { off, offForMs: 600_000 })).toEqual({
      kind: "hold",
      why: "switched off by ann: its contract ended",
      evidence: null,
    });
  });
});

test("the counts are bounded in models, processes and time", () => {
  const windows = new ModelWindows();
  for (let i = 0; i < 1_000; i++) windows.add({ env: ENV, model: `m${i}`, emitter: "p", isFailure: true }, 0);
  expect(windows.models(0)).toHaveLength(200);
  expect(windows.uncounted).toBe(800);
  for (let i = 0; i < 1_000; i++)
    windows.add({ env: ENV, model: "m0", emitter: `p${i}`, isFailure: true }, 0);
  // Every attempt counts; beyond 200, whose it was does not.
  expect(windows.read(ENV, "m0", 60_000, 0)).toEqual({
    attempts: 1_001,
    failures: 1_001,
    emitters: 200,
    emitters_failing: 200,
  });
  expect(windows.models(600_000)).toEqual([]);
});
