import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BaselineSnapshot,
  type JudgedUnit,
  type SnapshotOptions,
  freezeSnapshot,
  slicesTouchedByDiff,
} from "../baseline/baseline-snapshot.ts";
import {
  emptyDetector,
  stepDetector,
  streamDetectors,
  weightedStreamAverage,
} from "../sequential/e-detector.ts";
import { type HourEvidence, addEvidence, evidenceOfHour, prepareSnapshot } from "./hour-evidence.ts";
import { logEvidenceOfPairs } from "../sequential/paired-canary.ts";
import { type Random, createRandom } from "../special/random.ts";
import { type DetectorReading, foldHours } from "./regression-detector.ts";
import { selectReference } from "../baseline/select-reference.ts";

const RATE = 0.05;

/** Five overlapping predicates; quality by input, given the quality of money tickets. */
function unit(random: Random, hour: number, quality: (slices: readonly string[]) => number): JudgedUnit {
  const slices: string[] = [];
  if (random.uniform() < 0.18) slices.push("money");
  if (random.uniform() < 0.3) slices.push("long");
  slices.push(random.uniform() < 0.25 ? "enterprise" : "standard");
  if (random.uniform() < 0.1) slices.push("german");
  return { hour, x: random.uniform() < quality(slices) ? 1 : 0, slices, rate: RATE };
}

const healthy = (slices: readonly string[]): number => (slices.includes("german") ? 0.86 : 0.93);
const incident = (slices: readonly string[]): number => (slices.includes("money") ? 0.45 : healthy(slices));

function hours(
  random: Random,
  from: number,
  count: number,
  perHour: number,
  quality: (slices: readonly string[]) => number,
): JudgedUnit[][] {
  return Array.from({ length: count }, (_, h) =>
    Array.from({ length: perHour }, () => unit(random, from + h, quality)),
  );
}

function frozen(rows: readonly JudgedUnit[], options: SnapshotOptions = {}): BaselineSnapshot {
  const result = freezeSnapshot(rows, options);
  if (result.kind !== "frozen") throw new Error(result.reason);
  return result.snapshot;
}

function follow(
  snapshot: BaselineSnapshot,
  units: readonly (readonly JudgedUnit[])[],
  fromHour: number,
  startWeight = 168,
): DetectorReading {
  const prepared = prepareSnapshot(snapshot);
  const evidence = units.map((list, h) => evidenceOfHour(prepared, fromHour + h, list, RATE));
  return foldHours(prepared, {
    fromHour,
    throughHour: fromHour + units.length - 1,
    startWeight,
    hours: evidence,
  });
}

const START = 500_000;
const reference = hours(createRandom(1), START - 672, 672, 10, healthy).flat();
const snapshot = frozen(reference, { lineage: { version: "v1" } });
const prepared = prepareSnapshot(snapshot);

describe("the snapshot", () => {
  test("survives JSON and keeps its id, so an alarm can be recomputed", () => {
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(frozen(reference, { lineage: { version: "v1" } }).id).toBe(snapshot.id);
    expect(frozen(reference, { lineage: { version: "v2" } }).id).not.toBe(snapshot.id);
  });

  test("monitors everything and each slice, with weights that sum to one", () => {
    expect(snapshot.streams.map((stream) => stream.name)).toEqual([
      "all",
      "standard",
      "long",
      "enterprise",
      "money",
      "german",
    ]);
    expect(snapshot.streams[0]!.weight).toBeCloseTo(0.4, 12);
    expect(snapshot.streams.reduce((sum, stream) => sum + stream.weight, 0)).toBeCloseTo(1, 12);
    expect(snapshot.threshold).toBe(17_496);
    expect(snapshot.expectedViolations).toBeLessThan(0.05);
  });

  test("a slice the prompt diff touches, and a conjunction a user pinned, count five times", () => {
    const touched = slicesTouchedByDiff({ money: "\\d+ (euro|usd)", long: "" }, "Redact money amounts.");
    expect(touched).toEqual(["money"]);
    expect(slicesTouchedByDiff({ price: "^\\p{Sc}$", input_length: "" }, "Input: hide $")).toEqual(["price"]);
    const streams = frozen(reference, { favouredSlices: touched, pinnedSlices: [["long", "money"]] }).streams;
    const weight = (name: string): number => streams.find((stream) => stream.name === name)!.weight;
    expect(weight("money") / weight("german")).toBeCloseTo(5, 10);
    expect(weight("long & money") / weight("german")).toBeCloseTo(5, 10);
    expect(streams.reduce((sum, stream) => sum + stream.weight, 0)).toBeCloseTo(1, 12);
  });

  test("the model is calibrated on all traffic and on every slice", () => {
    const evidence = reference.map((row) => ({ ...prepared.baseline(row), x: row.x }));
    const mean = evidence.reduce((sum, row) => sum + row.mean - row.x, 0) / evidence.length;
    expect(Math.abs(mean)).toBeLessThan(1e-6);
    expect(prepared.baseline({ hour: START, x: 1, slices: ["german"], rate: RATE }).mean).toBeCloseTo(
      0.86,
      1,
    );
  });

  test("below 100 units only the absolute target is tested, and without a target nothing is", () => {
    const few = reference.slice(0, 99);
    expect(freezeSnapshot(few)).toEqual({
      kind: "not_enough_data",
      reason: "reference_small_and_no_slo",
      units: 99,
    });
    const cold = frozen(few, { slo: 0.85 });
    expect(cold.kind).toBe("cold_start");
    expect(cold.streams.map((stream) => stream.name)).toEqual(["all"]);
    const good = follow(cold, hours(createRandom(3), START, 100, 20, healthy), START);
    expect(good.state).toBe("WATCHING");
    const bad = follow(
      cold,
      hours(createRandom(3), START, 100, 20, () => 0.6),
      START,
    );
    expect(bad.state).toBe("REGRESSED");
  });

  test("the pinned baseline and the canary take their share of the weight", () => {
    const worse = hours(createRandom(4), START - 672, 672, 10, () => 0.88).flat();
    const guarded = frozen(worse, { pinnedSnapshot: snapshot, canary: true });
    const last = guarded.streams.at(-1)!;
    expect(last.baseline).toBe("pinned");
    expect(last.weight).toBeCloseTo(0.1, 12);
    expect(guarded.pairedWeight).toBeCloseTo(0.2, 12);
    const total = guarded.streams.reduce((sum, stream) => sum + stream.weight, guarded.pairedWeight);
    expect(total).toBeCloseTo(1, 12);
    // Unchanged against its own baseline, yet five points below the pinned one: the ratchet guard.
    const creep = follow(
      guarded,
      hours(createRandom(5), START, 600, 20, () => 0.88),
      START,
    );
    expect(creep.alarm?.strongest[0]).toBe("all, against the pinned baseline");
  });

  test("verdicts repeated three times are tempered by about a third", () => {
    const triples = reference.flatMap((row) => [row, row, row]);
    expect(frozen(triples).dispersion).toBeGreaterThan(2.4);
    expect(frozen(triples).dispersion).toBeLessThan(3.6);
    expect(snapshot.eta).toBe(1);
  });

  test("a score outside [0, 1] is a programmer's error", () => {
    expect(() => freezeSnapshot([{ hour: 1, x: 1.2, slices: [], rate: 1 }])).toThrow(RangeError);
  });
});

describe("the evidence of an hour", () => {
  const units = fc.array(
    fc.record({
      hour: fc.constant(START),
      x: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
      slices: fc.subarray(["money", "long", "enterprise", "standard", "german", "unknown"]),
      rate: fc.constantFrom(RATE, 0.2, 1),
    }),
    { maxLength: 40 },
  );
  const expectSame = (a: HourEvidence, b: HourEvidence): void => {
    for (const key of ["n", "sum", "expected", "drop", "clearance"] as const) {
      for (const [i, value] of Array.from(a[key]).entries()) expect(value).toBeCloseTo(b[key][i]!, 9);
    }
  };

  test("does not depend on the order of the units", () => {
    fc.assert(
      fc.property(units, (list) => {
        expectSame(
          evidenceOfHour(prepared, START, list, RATE),
          evidenceOfHour(prepared, START, list.toReversed(), RATE),
        );
      }),
      { numRuns: 50 },
    );
  });

  test("adds up when the hour is split in two", () => {
    fc.assert(
      fc.property(units, fc.nat(40), (list, cut) => {
        const first = evidenceOfHour(prepared, START, list.slice(0, cut), RATE);
        const second = evidenceOfHour(prepared, START, list.slice(cut), RATE);
        expectSame(evidenceOfHour(prepared, START, list, RATE), addEvidence(first, second));
      }),
      { numRuns: 50 },
    );
  });

  test("a unit from another hour, or below the rate in force, is a programmer's error", () => {
    const one: JudgedUnit = { hour: START, x: 1, slices: [], rate: RATE };
    expect(() => evidenceOfHour(prepared, START + 1, [one], RATE)).toThrow(RangeError);
    expect(() => evidenceOfHour(prepared, START, [one], 0.1)).toThrow(RangeError);
  });
});

describe("the fold", () => {
  test("the incident alarms, names money, and says since when", () => {
    const before = hours(createRandom(11), START, 30, 10, healthy);
    const after = hours(createRandom(12), START + 30, 60, 10, incident);
    const reading = follow(snapshot, [...before, ...after], START);
    expect(reading.state).toBe("REGRESSED");
    expect(reading.alarm!.strongest[0]).toBe("money");
    expect(reading.alarm!.affected).toContain("money");
    expect(reading.alarm!.affected).not.toContain("all");
    expect(Math.abs(reading.alarm!.changeHour - (START + 30))).toBeLessThanOrEqual(3);
    expect(reading.ticketHour).toBeLessThanOrEqual(reading.alarm!.hour);
    expect(reading.hour).toBe(reading.alarm!.hour);
  });

  test("a change without a deploy is found by later starts", () => {
    const quiet = hours(createRandom(13), START, 400, 10, healthy);
    const bad = hours(createRandom(14), START + 400, 80, 10, incident);
    const reading = follow(snapshot, [...quiet, ...bad], START, 1);
    expect(reading.alarm!.origin).toBe("later");
    expect(reading.alarm!.affected).toContain("money");
  });

  test("an unchanged version is cleared, and an hour without units still counts as a start", () => {
    const reading = follow(snapshot, hours(createRandom(15), START, 300, 10, healthy), START);
    expect(reading.state).toBe("CLEARED");
    expect(reading.clearedHour! - START).toBeGreaterThan(20);
    const empty = foldHours(prepared, {
      fromHour: START,
      throughHour: START + 9,
      startWeight: 168,
      hours: [],
    });
    // Nothing judged: M is the budget spent, W + 9 hours.
    expect(Math.exp(empty.logM)).toBeCloseTo(177, 8);
    expect(empty.state).toBe("WATCHING");
  });

  test("agrees with the step in logarithms, hour by hour", () => {
    const list = hours(createRandom(19), START, 48, 10, healthy);
    const reading = follow(snapshot, list, START);
    const bets = snapshot.drops.length;
    let state = emptyDetector(snapshot.streams.length, bets);
    for (const [h, units] of list.entries()) {
      const { drop } = evidenceOfHour(prepared, START + h, units, RATE);
      state = stepDetector(state, h === 0 ? Math.log(168) : 0, drop);
      const logM = weightedStreamAverage(streamDetectors(state, bets), prepared.weights);
      expect(reading.logMByHour[h]).toBeCloseTo(logM, 10);
    }
  });

  test("recomputing a running hour adds no start", () => {
    const [list] = hours(createRandom(16), START, 1, 20, healthy);
    const half = follow(snapshot, [list!.slice(0, 10)], START);
    const again = follow(snapshot, [list!], START);
    const direct = addEvidence(
      evidenceOfHour(prepared, START, list!.slice(0, 10), RATE),
      evidenceOfHour(prepared, START, list!.slice(10), RATE),
    );
    const whole = foldHours(prepared, {
      fromHour: START,
      throughHour: START,
      startWeight: 168,
      hours: [direct],
    });
    expect(again.logM).toBeCloseTo(whole.logM, 9);
    expect(half.logM).not.toBe(again.logM);
  });

  test("a mix shift alone does not alarm", () => {
    // The hard topic goes from a tenth to half of traffic; no answer got worse.
    const random = createRandom(17);
    const shifted = Array.from({ length: 500 }, (_, h) =>
      Array.from({ length: 20 }, (): JudgedUnit => {
        const german = random.uniform() < 0.5;
        const slices = german ? ["standard", "german"] : ["standard"];
        return { hour: START + h, x: random.uniform() < healthy(slices) ? 1 : 0, slices, rate: RATE };
      }),
    );
    expect(follow(snapshot, shifted, START).alarm).toBeUndefined();
  });

  test("pairs raise the alarm at the weight reserved for them, and none without it", () => {
    const random = createRandom(18);
    const quiet = hours(random, START, 40, 10, healthy);
    const paired = quiet.map((_, h) => {
      const differences = Array.from(
        { length: 30 },
        () => (random.uniform() < 0.92 ? 1 : 0) - (random.uniform() < 0.8 ? 1 : 0),
      );
      return { hour: START + h, pairs: 30, drop: logEvidenceOfPairs(differences) };
    });
    const fold = (canary: boolean): DetectorReading => {
      const ready = prepareSnapshot(frozen(reference, { canary }));
      return foldHours(ready, {
        fromHour: START,
        throughHour: START + 39,
        startWeight: 168,
        hours: quiet.map((list, h) => evidenceOfHour(ready, START + h, list, RATE)),
        paired,
      });
    };
    const reserved = fold(true);
    expect(reserved.alarm).toMatchObject({ origin: "deploy" });
    expect(Math.log(0.2) + reserved.paired.logDetector).toBeGreaterThan(reserved.logM - 0.01);
    const unreserved = fold(false);
    expect(unreserved.alarm).toBeUndefined();
    expect(unreserved.paired).toMatchObject({ weight: 0, pairs: 1200 });
  });

  test("an hour given twice, or outside the range, is a programmer's error", () => {
    const one = evidenceOfHour(prepared, START, [], RATE);
    const input = { fromHour: START, throughHour: START, startWeight: 1 };
    expect(() => foldHours(prepared, { ...input, hours: [one, one] })).toThrow(RangeError);
    expect(() =>
      foldHours(prepared, { ...input, fromHour: START + 1, throughHour: START + 1, hours: [one] }),
    ).toThrow(RangeError);
  });

  test("in 60 simulated deploys the incident is found within a day and quiet versions stay quiet", () => {
    const delays: number[] = [];
    let falseAlarms = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = createRandom(1000 + seed);
      const own = frozen(hours(random, START - 336, 336, 10, healthy).flat());
      const bad = follow(own, hours(random, START, 72, 10, incident), START);
      delays.push(bad.alarm ? bad.alarm.hoursSinceStart + 1 : Infinity);
      if (follow(own, hours(random, START, 168, 10, healthy), START).alarm) falseAlarms += 1;
    }
    delays.sort((a, b) => a - b);
    expect(delays[30]).toBeLessThanOrEqual(12);
    expect(delays[57]).toBeLessThanOrEqual(28);
    // The bound of 60 weeks with a deploy each: 60 · (168 + 168)/17,496 = 1.15 expected at most.
    expect(falseAlarms).toBeLessThanOrEqual(2);
  });
});

test("the reference takes whole weeks, skips incidents, and extends through quiet predecessors only", () => {
  const at = (hour: number): JudgedUnit => ({ hour, x: 1, slices: [], rate: 1 });
  const tenDays = Array.from({ length: 240 }, (_, h) => at(START + h));
  const older = Array.from({ length: 300 }, (_, h) => at(START - 300 + h));
  const result = selectReference(
    [
      { version: "v3", alarmed: true, calibration: "j1", units: tenDays },
      { version: "v2", alarmed: true, calibration: "j1", units: older },
      { version: "v1", alarmed: false, calibration: "j0", units: older },
      { version: "v0", alarmed: false, calibration: "j1", units: older },
    ],
    "j1",
    [{ startHour: START + 230, endHour: START + 240 }],
  );
  expect(result.versions).toEqual(["v3", "v0"]);
  expect(result.units).toHaveLength(168 - 10 + 168);
});
