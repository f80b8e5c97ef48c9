import { createRandom, foldHours, freezeSnapshot, type JudgedUnit, prepareSnapshot } from "@plumbline/stats";
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
