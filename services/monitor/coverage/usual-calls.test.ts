import { expect, test } from "vitest";
import { clockOf, weekBefore, worldClocks } from "./clocks.ts";
import { Arrivals, usualByClock, usualByTraffic } from "./usual-calls.ts";

const QUARTER_MS = 900_000;
const HOUR_MS = 4 * QUARTER_MS;
const DAY_MS = 24 * HOUR_MS;
const ms = (iso: string): number => Date.parse(iso);

test.each([
  { zone: "Europe/Berlin", at: "2026-03-29T00:59:00Z", before: "2026-03-22T00:59:00Z" },
  // 03:00 in Berlin, where 02:00 came before: 03:00 a week ago was 02:00 UTC.
  { zone: "Europe/Berlin", at: "2026-03-29T01:00:00Z", before: "2026-03-22T02:00:00Z" },
  { zone: "Europe/Berlin", at: "2026-04-04T22:00:00Z", before: "2026-03-28T23:00:00Z" },
  { zone: "Europe/Berlin", at: "2026-04-05T12:00:00Z", before: "2026-03-29T12:00:00Z" },
  // Both of the hours that come twice are like the one of a week ago.
  { zone: "Europe/Berlin", at: "2026-10-25T00:30:00Z", before: "2026-10-18T00:30:00Z" },
  { zone: "Europe/Berlin", at: "2026-10-25T01:30:00Z", before: "2026-10-18T00:30:00Z" },
  { zone: "Australia/Lord_Howe", at: "2026-10-04T02:00:00Z", before: "2026-09-27T02:30:00Z" },
  { zone: "Asia/Kolkata", at: "2026-03-29T02:00:00Z", before: "2026-03-22T02:00:00Z" },
])("a week before $at in $zone it was $before", ({ zone, at, before }) => {
  const clock = clockOf(zone, ms(at) - 9 * DAY_MS, ms(at));
  expect(new Date(weekBefore(clock, ms(at))).toISOString()).toBe(before.replace("Z", ".000Z"));
});

test("clocks of the world are told apart by their changes, that of UTC first, familiar names before others", () => {
  const calm = worldClocks(ms("2026-01-10T00:00:00Z"), ms("2026-01-18T00:00:00Z"));
  expect(calm.map(({ zone }) => zone)).toEqual(["UTC"]);
  const march = worldClocks(ms("2026-03-25T00:00:00Z"), ms("2026-03-31T00:00:00Z"));
  expect(march.map(({ zone }) => zone)).toEqual(
    expect.arrayContaining(["UTC", "Europe/Berlin", "Asia/Jerusalem"]),
  );
  expect(march.map(({ zone }) => zone)).not.toContain("Africa/Ceuta");
  expect(march[0]!.zone).toBe("UTC");
});

/** 15 calls a quarter of an hour, from `opens` to `closes` by the clock of Berlin, every day. */
function berlin(from: string, until: string, opens: number, closes: number): Arrivals {
  const quarters: [number, number][] = [];
  const hourIn = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Berlin",
    hour: "2-digit",
    hourCycle: "h23",
  });
  for (let at = ms(from); at < ms(until); at += QUARTER_MS) {
    const hour = Number(hourIn.format(at));
    if (hour >= opens && hour < closes) quarters.push([at / QUARTER_MS, 15]);
  }
  return new Arrivals({ quarters });
}

test("by a configured clock an evening is quiet an hour earlier in UTC, once the clocks went forward", () => {
  const arrivals = berlin("2026-03-16T00:00:00Z", "2026-03-30T15:00:00Z", 9, 17);
  const silence = [ms("2026-03-30T15:00:00Z"), ms("2026-03-30T15:45:00Z")] as const;
  const span = [silence[0] - 8 * DAY_MS, silence[1]] as const;
  expect(usualByClock(clockOf("Europe/Berlin", ...span), silence, arrivals)).toEqual({
    usual_calls: 0,
    time_zone: "Europe/Berlin",
    time_zone_source: "config",
  });
  expect(usualByClock(clockOf("UTC", ...span), silence, arrivals).usual_calls).toBe(45);
  // The traffic of the day has shown it as well.
  expect(usualByTraffic(worldClocks(...span), silence, arrivals)).toEqual({
    usual_calls: 0,
    time_zone: "Europe/Berlin",
    time_zone_source: "traffic",
  });
});

test("calls around the clock are as usual by every clock, and none is learnt from them", () => {
  const arrivals = berlin("2026-03-16T00:00:00Z", "2026-03-30T10:00:00Z", 0, 24);
  const silence = [ms("2026-03-30T10:00:00Z"), ms("2026-03-30T11:00:00Z")] as const;
  const clocks = worldClocks(silence[0] - 8 * DAY_MS, silence[1]);
  expect(usualByTraffic(clocks, silence, arrivals)).toEqual({
    usual_calls: 60,
    time_zone: "UTC",
    time_zone_source: "default",
  });
});

test("an hour that comes twice counts twice where it is busy around it, and one that is missing does not", () => {
  const autumn = berlin("2026-10-11T00:00:00Z", "2026-10-25T00:00:00Z", 0, 24);
  const twice = [ms("2026-10-25T00:00:00Z"), ms("2026-10-25T02:00:00Z")] as const;
  const back = clockOf("Europe/Berlin", twice[0] - 8 * DAY_MS, twice[1]);
  expect(usualByClock(back, twice, autumn).usual_calls).toBe(120);
  // What a schedule starts at two o'clock comes once.
  const nightly = berlin("2026-10-11T00:00:00Z", "2026-10-25T00:00:00Z", 2, 3);
  expect(usualByClock(back, twice, nightly).usual_calls).toBe(60);
  // Calls between 2 and 3 only, an hour which the night of the change does not have.
  const spring = berlin("2026-03-15T00:00:00Z", "2026-03-28T23:00:00Z", 2, 3);
  const missing = [ms("2026-03-29T00:30:00Z"), ms("2026-03-29T02:30:00Z")] as const;
  const forward = clockOf("Europe/Berlin", missing[0] - 8 * DAY_MS, missing[1]);
  expect(usualByClock(forward, missing, spring).usual_calls).toBe(0);
});

test("a silence counts the parts of a quarter that it has", () => {
  const arrivals = berlin("2026-03-16T00:00:00Z", "2026-03-30T10:00:00Z", 0, 24);
  const silence = [ms("2026-03-30T10:05:00Z"), ms("2026-03-30T10:35:00Z")] as const;
  const clock = clockOf("Europe/Berlin", silence[0] - 8 * DAY_MS, silence[1]);
  expect(usualByClock(clock, silence, arrivals).usual_calls).toBeCloseTo(30, 12);
});
