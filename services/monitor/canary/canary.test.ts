import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import type { JudgedUnitRow } from "@plumbline/ports";
import { type CanaryDecision, type CanarySeries, HOUR_MS, type RegistryEvent } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { describe, expect, test } from "vitest";
import {
  admissible,
  promoted,
  registered,
  toNewRecord,
  USE_CASE,
  versionOf,
} from "../../../test/registry/commands.ts";
import { MonitorConfig } from "../config.ts";
import { iso, otherArm, pairedEvidence, pairsOfWindow } from "../units/series.ts";
import { type CanaryNumbers, decideCanary, LOG_AGREES, LOG_REGRESSED, readSeries } from "./decide-canary.ts";
import { RegistryView } from "../deploys/registry-view.ts";

const MINUTE_MS = 60_000;
const START = Date.parse("2026-11-24T09:00:00Z");
let made = 0;

function unit(
  version: string,
  minute: number,
  score: number,
  more: Partial<JudgedUnitRow> = {},
): JudgedUnitRow {
  made += 1;
  return {
    tenant: "default",
    env: "production",
    use_case: USE_CASE,
    criterion: "faithfulness",
    is_guardrail: true,
    rubric_hash: "r",
    judge: "j",
    prompt_version: version,
    judged_at: iso(START + minute * 60_000),
    call_id: `call-${made}`,
    score,
    slices: [],
    sample_rate: 0.05,
    ...more,
  };
}

describe("pairs", () => {
  test("are of one tenant, and the order in which rows arrive does not matter", () => {
    const old = [unit("v1", 1, 1), unit("v1", 2, 1, { tenant: "acme" })];
    const current = [unit("v2", 1, 0), unit("v2", 3, 1), unit("v2", 4, 0.5, { tenant: "acme" })];
    const pairs = pairsOfWindow(old, current);
    expect(pairs).toHaveLength(2);
    expect(pairs).toContain(0.5);
    expect(pairsOfWindow(old.toReversed(), current.toReversed())).toEqual(pairs);
  });

  test("thin an arm that was judged at several rates to its lowest, so that a boosted slice does not weigh more", () => {
    const old = Array.from({ length: 4000 }, () => unit("v1", 1, 1));
    // A fifth of the inputs always fails; it is judged four times as often.
    const current = [
      ...Array.from({ length: 1000 }, () => unit("v2", 1, 1)),
      ...Array.from({ length: 1000 }, () => unit("v2", 1, 0, { sample_rate: 0.2 })),
    ];
    const pairs = pairsOfWindow(old, current);
    const difference = pairs.reduce((sum, d) => sum + d, 0) / pairs.length;
    expect(difference).toBeGreaterThan(0.16);
    expect(difference).toBeLessThan(0.24);
  });

  test("leave out hours in which only one version served, and untagged calls", () => {
    const units = [
      ...Array.from({ length: 30 }, (_, i) => unit("v1", i, 1)),
      ...Array.from({ length: 30 }, (_, i) => unit("", i, 1)),
      ...Array.from({ length: 10 }, (_, i) => unit("v1", 60 + i, 1)),
      ...Array.from({ length: 10 }, (_, i) => unit("v2", 60 + i, 0)),
    ];
    expect(otherArm(units, "v2")).toBe("v1");
    const arms = { candidate: "v2", incumbent: null, fromHour: START / HOUR_MS, eta: 1 };
    expect(pairedEvidence(units, arms)).toMatchObject({
      incumbent: "v1",
      hours: [{ hour: START / HOUR_MS + 1, pairs: 10 }],
    });
    expect(pairedEvidence(units, { ...arms, candidate: "v2", incumbent: "v3" })?.hours).toEqual([]);
  });
});

describe("a reading", () => {
  const input = {
    candidate: "v2",
    incumbent: "v1",
    eta: 1,
    margin: 0.05,
    delta: 0.01,
    windowMs: HOUR_MS,
  };
  const both = (minute: number, x: number): JudgedUnitRow[] => [unit("v1", minute, 1), unit("v2", minute, x)];

  test("decides by hours that ended; the running one only shows", () => {
    const rows = [
      ...Array.from({ length: 50 }, () => both(10, 1)),
      ...Array.from({ length: 20 }, () => both(70, 0)),
    ];
    const read = readSeries({ ...input, rows: rows.flat(), stepMs: START, endedMs: START + HOUR_MS });
    expect(read).toMatchObject({ pairs: 50, pairs_now: 70, difference: 0, units_old: 70, units_new: 70 });
    expect(read.log_e_worse).toBeLessThan(0);
    expect(read.log_e_worse_now).toBeGreaterThan(read.log_e_worse);
  });

  test("a shorter window drops who has no partner in it, and decides as soon as it ended", () => {
    const rows = [
      ...Array.from({ length: 20 }, () => both(2, 1)).flat(),
      ...Array.from({ length: 20 }, () => unit("v1", 7, 1)),
      ...Array.from({ length: 20 }, () => unit("v2", 12, 1)),
      ...Array.from({ length: 20 }, () => both(17, 0)).flat(),
    ];
    const ends = { rows, stepMs: START, endedMs: START + 15 * MINUTE_MS };
    expect(readSeries({ ...input, ...ends })).toMatchObject({ pairs: 40, pairs_now: 60 });
    expect(readSeries({ ...input, ...ends, windowMs: 5 * MINUTE_MS })).toMatchObject({
      pairs: 20,
      pairs_now: 40,
    });
  });

  test("clears each step by its own pairs, and remembers since the first share what speaks against the version", () => {
    const rows = [
      ...Array.from({ length: 50 }, () => both(10, 0)),
      ...Array.from({ length: 50 }, () => both(70, 1)),
    ];
    const read = readSeries({
      ...input,
      rows: rows.flat(),
      stepMs: START + HOUR_MS,
      endedMs: START + 2 * HOUR_MS,
    });
    expect(read).toMatchObject({ pairs: 50, difference: 0 });
    expect(read.log_e_cleared).toBeGreaterThan(0);
    expect(read.log_e_worse).toBeGreaterThan(LOG_REGRESSED);
  });

  test("under equal arms the mean e-value that a version is worse is at most 1 + 4 se, over hours of any size", () => {
    const values = Array.from({ length: 1000 }, (_, seed) => {
      const random = createRandom(seed);
      const rows: JudgedUnitRow[] = [];
      for (let hour = 0; hour < 3; hour++) {
        // An outage in the second hour hits both arms alike.
        const quality = hour === 1 ? 0.3 : 0.92;
        for (let i = 0; i < 4 + random.integer(20); i++) {
          const version = random.uniform() < 0.3 ? "v2" : "v1";
          rows.push(unit(version, hour * 60 + random.integer(60), random.uniform() < quality ? 1 : 0));
        }
      }
      const ends = { stepMs: START, endedMs: START + 3 * HOUR_MS };
      return rows.length === 0 ? 1 : Math.exp(readSeries({ ...input, rows, ...ends }).log_e_worse);
    });
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(mean).toBeLessThanOrEqual(1 + 4 * Math.sqrt(variance / values.length));
  });
});

test.each([
  ["60", true],
  ["15", true],
  ["1", true],
  ["7", false],
  ["0", false],
  ["120", false],
])("a window of %s minutes is taken: %s", (minutes, isTaken) => {
  const parsed = MonitorConfig.safeParse({ PLUMBLINE_MONITOR_CANARY_WINDOW_MINUTES: minutes });
  expect(parsed.success).toBe(isTaken);
});

describe("the decision", () => {
  const series = (more: Partial<CanarySeries> = {}): CanarySeries => ({
    criterion: "faithfulness",
    rubric_hash: "r",
    judge: "j",
    is_guardrail: true,
    units_old: 900,
    units_new: 200,
    pairs: 200,
    difference: 0,
    log_e_cleared: 1,
    log_e_worse: -1,
    log_e_worse_now: -1,
    pairs_now: 210,
    eta: 1,
    pairs_needed: 440,
    ...more,
  });
  const numbers = (more: Partial<CanaryNumbers> = {}): CanaryNumbers => ({
    step_offset: 7,
    started_at: iso(START),
    step_at: iso(START),
    read_at: iso(START),
    incumbent: "v1",
    share: 0.1,
    margin: 0.03,
    delta: 0.01,
    page: null,
    series: [series()],
    ...more,
  });
  const page = { incident_id: "inc_1", criterion: "faithfulness" };
  const signal = { criterion: "tone", is_guardrail: false };

  test.each<{ name: string; given: Partial<CanaryNumbers>; expected: Partial<CanaryDecision> }>([
    {
      name: "more evidence",
      given: {},
      expected: { state: "WATCHING", waits_for: "evidence", units: 400, units_needed: 880 },
    },
    {
      name: "cleared",
      given: { series: [series({ log_e_cleared: 3 })] },
      expected: { state: "CLEARED", waits_for: null, units_needed: 0 },
    },
    {
      name: "one of two guardrails is not cleared",
      given: { series: [series({ log_e_cleared: 3 }), series({ criterion: "format" })] },
      expected: { state: "WATCHING" },
    },
    {
      name: "a signal criterion does not hold",
      given: { series: [series({ log_e_cleared: 3 }), series(signal)] },
      expected: { state: "CLEARED" },
    },
    {
      name: "without guardrails every criterion decides",
      given: { series: [series({ ...signal, log_e_worse: LOG_REGRESSED })] },
      expected: { state: "REGRESSED" },
    },
    {
      name: "just below the evidence of a regression",
      given: { series: [series({ log_e_worse: LOG_REGRESSED - 1e-9 })] },
      expected: { state: "WATCHING" },
    },
    {
      name: "worse in the pairs",
      given: { series: [series({ log_e_worse: LOG_REGRESSED, log_e_cleared: 9 })] },
      expected: { state: "REGRESSED" },
    },
    {
      name: "paged, and the pairs agree",
      given: { page, series: [series({ log_e_worse_now: LOG_AGREES })] },
      expected: { state: "REGRESSED", incident_id: "inc_1" },
    },
    {
      name: "paged, and both arms fell",
      given: { page, series: [series({ log_e_cleared: 9 })] },
      expected: { state: "WATCHING", waits_for: "person" },
    },
    {
      name: "paged, with too few pairs to tell",
      given: { page, series: [series({ pairs_now: 99 })] },
      expected: { state: "WATCHING", waits_for: "evidence" },
    },
    {
      name: "paged, and nothing of the old version was judged",
      given: { page, series: [series({ units_old: 0, pairs_now: 0 })] },
      expected: { state: "REGRESSED" },
    },
    {
      name: "no traffic",
      given: { share: null, series: [] },
      expected: { state: "WATCHING", waits_for: "traffic", units: 0 },
    },
    { name: "traffic of the old version only", given: { share: 0 }, expected: { waits_for: "traffic" } },
    {
      name: "calls that nobody judges",
      given: { series: [] },
      expected: { state: "WATCHING", waits_for: "evidence", units: 0 },
    },
  ])("$name", ({ given, expected }) => {
    expect(decideCanary(numbers(given))).toMatchObject(expected);
  });

  test("a fall of both arms is said in so many words", () => {
    expect(decideCanary(numbers({ page })).why).toContain("coincides with the deploy, not caused by it");
  });
});

describe("shares that were given", () => {
  const advanced = (text: string, revision: number, event_id: string): RegistryEvent => ({
    ...promoted(text, revision),
    event_id,
    type: "rollout_advanced",
    reason: "looks good",
    body: { step: 1, decision: null },
  });
  const ramped = (text: string, revision: number): RegistryEvent => {
    const event = promoted(text, revision, { weight: 0.1 });
    return { ...event, body: { ...event.body, ramp: [0.1, 0.5, 1] } };
  };
  const LIVE = [...admissible("one", null), promoted("one", 0)];
  const RAMPING = [...LIVE, ...admissible("two", "one"), ramped("two", 1)];
  const BEGUN = { prompt_version: versionOf("two"), stepOffset: RAMPING.length - 1, read: null };

  async function after(...commands: readonly RegistryEvent[]) {
    const clock = new VirtualClock(START);
    const log = createMemoryEventLog({ clock });
    for (const command of commands) {
      await log.append("plumbline.registry", [toNewRecord(command)]);
      await clock.advance(60_000);
    }
    await log.append("plumbline.registry", [{ key: "x", value: Buffer.from("no command") }]);
    const registry = new RegistryView(log);
    await registry.refresh();
    await registry.refresh();
    return registry.shares();
  }

  test("begin with a canary; a step begins anew and keeps when the version first got a share", async () => {
    const all = await after(
      ...RAMPING,
      advanced("two", 2, "a"),
      // The second replica's.
      advanced("two", 2, "a"),
    );
    expect(all).toMatchObject([
      {
        ...BEGUN,
        startedMs: START + 60_000 * BEGUN.stepOffset,
        stepMs: START + 60_000 * (BEGUN.stepOffset + 1),
        stepOffset: BEGUN.stepOffset + 1,
      },
    ]);
  });

  test.each<{ name: string; commands: readonly RegistryEvent[] }>([
    { name: "of another version", commands: [promoted("one", 2, { weight: 0.1 })] },
    { name: "that saw an older revision", commands: [promoted("two", 1, { weight: 0.5 })] },
    { name: "that the gate refuses", commands: [registered("three"), promoted("three", 2, { weight: 0.1 })] },
    { name: "of a step that is skipped", commands: [advanced("two", 1, "b")] },
  ])("a refused command $name leaves the running step as it is", async ({ commands }) => {
    expect(await after(...RAMPING, ...commands)).toMatchObject([BEGUN]);
  });

  test("a command that changes nothing leaves the running step as it is", async () => {
    const canary = [...LIVE, ...admissible("two", "one"), promoted("two", 1, { weight: 0.1 })];
    expect(await after(...canary, promoted("two", 2, { weight: 0.1 }))).toMatchObject([BEGUN]);
  });
});
