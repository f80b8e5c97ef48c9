import {
  createRandom,
  evidenceOfHour,
  foldHours,
  freezeSnapshot,
  type JudgedUnit,
  logEvidenceOfPairs,
  type PairedEvidence,
  prepareSnapshot,
} from "@plumbline/stats";
import { expect, test } from "vitest";
import { evidenceOfUnits, VersionWatch } from "./version-watch.ts";

const random = createRandom(11);
const FROM = 490_000;
const START = { fromHour: FROM, startWeight: 168 };

function unitsAt(hour: number, quality: number, count = 8): JudgedUnit[] {
  return Array.from({ length: count }, () => {
    const slices = random.uniform() < 0.3 ? ["money"] : [];
    return { hour, x: random.uniform() < quality ? 1 : 0, slices, rate: 0.05 };
  });
}

const frozen = freezeSnapshot(Array.from({ length: 100 }, (_, i) => unitsAt(FROM - 200 + i, 0.92)).flat());
if (frozen.kind !== "frozen") throw new Error("unreachable");
const prepared = prepareSnapshot(frozen.snapshot);
const hours = Array.from({ length: 60 }, (_, i) => (i % 7 === 0 ? [] : unitsAt(FROM + i, 0.9)));

test("the state in constant memory agrees with the fold over all hours, wherever hours are closed", () => {
  const watch = new VersionWatch(prepared, START);
  for (const [i, units] of hours.entries()) {
    if (units.length > 0) watch.setHour(FROM + i, units.slice(0, 3));
    watch.read(FROM + i);
    if (units.length > 0) watch.setHour(FROM + i, units);
    if (i % 5 === 4) watch.closeThrough(FROM + i - 2);
    const given = hours
      .slice(0, i + 1)
      .flatMap((own, h) => (own.length > 0 ? [evidenceOfUnits(prepared, FROM + h, own)] : []));
    if (units.length === 0) continue;
    const whole = foldHours(prepared, { ...START, throughHour: FROM + i, hours: given });
    expect(watch.read(FROM + i).logM).toBeCloseTo(whole.logM, 9);
  }
});

test("the pairs of a canary count in it as in the fold, from the hour in which they are given", () => {
  const reserved = prepareSnapshot({
    ...frozen.snapshot,
    pairedWeight: 0.2,
    streams: frozen.snapshot.streams.map((stream) => ({ ...stream, weight: 0.8 * stream.weight })),
  });
  const watch = new VersionWatch(reserved, START);
  const paired: PairedEvidence[] = [];
  for (const [i, units] of hours.entries()) {
    if (units.length > 0) watch.setHour(FROM + i, units);
    if (i >= 2) {
      const differences = Array.from({ length: 12 }, () => (random.uniform() < 0.1 ? 1 : 0));
      const pairs = { hour: FROM + i - 2, pairs: 12, drop: logEvidenceOfPairs(differences) };
      paired.push(pairs);
      watch.setPairs(pairs);
      watch.setPairs(pairs);
    }
    if (i % 5 === 4) watch.closeThrough(FROM + i - 3);
    const given = hours
      .slice(0, i + 1)
      .flatMap((own, h) => (own.length > 0 ? [evidenceOfUnits(reserved, FROM + h, own)] : []));
    const whole = foldHours(reserved, { ...START, throughHour: FROM + i, hours: given, paired });
    if (whole.alarm !== undefined) {
      expect(watch.read(FROM + i).level).toBe("page");
      expect(i).toBeGreaterThan(5);
      return;
    }
    if (units.length > 0) expect(watch.read(FROM + i).logM).toBeCloseTo(whole.logM, 9);
  }
  expect.unreachable("pairs in which a tenth fell must raise an alarm");
});

test("an hour given again replaces itself, and a closed one is left alone", () => {
  const watch = new VersionWatch(prepared, START);
  const [, first = [], second = []] = hours;
  watch.setHour(FROM + 1, first);
  watch.setHour(FROM + 1, first);
  watch.setHour(FROM + 2, second);
  const once = watch.read(FROM + 2);
  expect(once.units).toBe(first.length + second.length);
  expect(watch.closeThrough(FROM + 1).map((evidence) => evidence.hour)).toEqual([FROM + 1]);
  expect(watch.isOpen(FROM + 1)).toBe(false);
  watch.setHour(FROM + 1, second);
  watch.setHour(FROM, second);
  expect(watch.read(FROM + 2)).toEqual(once);
});

test("hours without verdicts raise no level, however many", () => {
  const watch = new VersionWatch(prepared, START);
  watch.closeThrough(FROM + 50_000);
  expect(watch.read(FROM + 50_001).level).toBe("none");
});

test("a version that holds its quality is cleared, one that fell is paged and never cleared", () => {
  const good = new VersionWatch(prepared, START);
  const bad = new VersionWatch(prepared, START);
  for (let i = 0; i < 200; i++) {
    good.setHour(FROM + i, unitsAt(FROM + i, 0.93));
    bad.setHour(FROM + i, unitsAt(FROM + i, 0.7));
    good.closeThrough(FROM + i);
    bad.closeThrough(FROM + i);
  }
  expect(good.read(FROM + 200)).toMatchObject({ level: "none", isCleared: true });
  expect(bad.read(FROM + 200)).toMatchObject({ level: "page", isCleared: false });
});

test("a slice judged at a rate of its own keeps all of its evidence, and the rest weighs what it always did", () => {
  const inside = unitsAt(FROM, 0.6, 40).map((unit) => ({ ...unit, slices: ["money"] }));
  const outside = unitsAt(FROM, 0.9, 20).map((unit) => ({ ...unit, slices: [] }));
  const raised = inside.map((unit) => ({ ...unit, rate: 0.2 }));
  const evidence = evidenceOfUnits(prepared, FROM, [...raised, ...outside]);
  const money = prepared.snapshot.streams.findIndex((stream) => stream.name === "money");
  const bets = prepared.snapshot.drops.length;
  const cells = (of: { readonly drop: ArrayLike<number> }, k: number): number[] =>
    Array.from({ length: bets }, (_, j) => of.drop[k * bets + j]!);
  const inFull = evidenceOfHour(prepared, FROM, [...inside, ...outside], 0.05);
  for (const [j, value] of cells(evidence, money).entries())
    expect(value).toBeCloseTo(cells(inFull, money)[j]!, 9);
  // Over all traffic a unit of the slice stands for a quarter of what one from elsewhere does.
  const weighted = evidenceOfHour(prepared, FROM, [...raised, ...outside], 0.05);
  for (const [j, value] of cells(evidence, 0).entries()) expect(value).toBeCloseTo(cells(weighted, 0)[j]!, 9);
});

test("at mixed rates evidence without a fall is worth at most one on average, in every stream", () => {
  const sides = { money: { rate: 0.2, count: 12 }, other: { rate: 0.05, count: 8 } };
  const runs = 4_000;
  const { streams, drops } = prepared.snapshot;
  const sums = new Float64Array(streams.length * drops.length);
  const squares = new Float64Array(sums.length);
  for (let run = 0; run < runs; run++) {
    const units = Object.entries(sides).flatMap(([name, { rate, count }]) =>
      Array.from({ length: count }, () => {
        const slices = name === "money" ? ["money"] : [];
        const { mean } = prepared.baseline({ hour: FROM, x: 1, slices, rate });
        return { hour: FROM, x: random.uniform() < mean ? 1 : 0, slices, rate };
      }),
    );
    const { drop } = evidenceOfUnits(prepared, FROM, units);
    for (let i = 0; i < sums.length; i++) {
      const value = Math.exp(drop[i]!);
      sums[i]! += value;
      squares[i]! += value * value;
    }
  }
  for (const [i, sum] of sums.entries()) {
    const mean = sum / runs;
    const error = Math.sqrt(Math.max(0, squares[i]! / runs - mean * mean) / runs);
    expect(mean).toBeLessThanOrEqual(1 + 4 * error);
  }
});
