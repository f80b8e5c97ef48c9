/** What a baseline expects of an hour, before and after the clocks were changed. */
import {
  createRandom,
  freezeSnapshot,
  HOUR_BLOCK_REFERENCE_MIN,
  type JudgedUnit,
  prepareSnapshot,
} from "@plumbline/stats";
import { expect, test } from "vitest";
import { localHour } from "../../counts/local-hours.ts";

const HOUR_MS = 3_600_000;
const hourOf = (iso: string): number => Date.parse(iso) / HOUR_MS;
const [WINTER, SUMMER] = [hourOf("2026-03-02T00:00:00Z"), hourOf("2026-03-30T00:00:00Z")];
const WEEKS_4 = 4 * 7 * 24;
const hourIn = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/London",
  hour: "2-digit",
  hourCycle: "h23",
});

/** By day in London, from 6 to 18, answers are good; a job at night, busiest in its first hour, gets worse ones. */
function unitsOf(hour: number): JudgedUnit[] {
  const shown = Number(hourIn.format(hour * HOUR_MS));
  const random = createRandom(hour);
  const isDay = shown >= 6 && shown < 18;
  return Array.from({ length: shown === 18 ? 60 : 6 }, () => ({
    hour,
    x: random.uniform() < (isDay ? 0.95 : 0.7) ? 1 : 0,
    slices: [],
    rate: 1,
  }));
}

function weeks(start: number): JudgedUnit[] {
  return Array.from({ length: WEEKS_4 }, (_, i) => unitsOf(start + i)).flat();
}

/** Mean of what is expected of units, minus their mean score, score points. */
function bias(timeZone: string, start: number): number {
  const frozen = freezeSnapshot(weeks(WINTER), { timeZone, localHour });
  if (frozen.kind !== "frozen") throw new Error(frozen.reason);
  expect(frozen.snapshot.referenceUnits).toBeGreaterThan(HOUR_BLOCK_REFERENCE_MIN);
  const prepared = prepareSnapshot(frozen.snapshot, localHour);
  const units = weeks(start);
  const mean = (of: (unit: JudgedUnit) => number): number =>
    units.reduce((sum, unit) => sum + of(unit), 0) / units.length;
  return mean((unit) => prepared.baseline(unit).mean) - mean(({ x }) => x);
}

test("a version is held against the hours of its users, also once their clocks were changed", () => {
  expect(Math.abs(bias("Europe/London", WINTER))).toBeLessThan(0.01);
  expect(Math.abs(bias("Europe/London", SUMMER))).toBeLessThan(0.01);
  // By UTC good hours would be expected of the night's first: a fall of points that nobody's answers have.
  expect(bias("UTC", SUMMER)).toBeGreaterThan(0.03);
});

test("a snapshot of another zone than UTC needs a clock, and one of before it was said is of UTC", () => {
  const frozen = freezeSnapshot(weeks(WINTER), { timeZone: "Europe/London", localHour });
  if (frozen.kind !== "frozen") throw new Error(frozen.reason);
  const [unit] = unitsOf(SUMMER);
  expect(() => prepareSnapshot(frozen.snapshot).baseline(unit!)).toThrow("Europe/London");
  const { timeZone: _timeZone, ...model } = frozen.snapshot.model;
  expect(prepareSnapshot({ ...frozen.snapshot, model }).baseline(unit!).mean).toBeGreaterThan(0);
});
