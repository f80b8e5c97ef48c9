import { expect, test } from "vitest";
import { clockChanges, isTimeZone, TimeZone, zoneOffsetMs } from "./time-zone.ts";

const HOUR_MS = 3_600_000;
const ms = (iso: string): number => Date.parse(iso);

test.each([
  { zone: "Europe/Berlin", at: "2026-01-15T12:00:00Z", hours: 1 },
  { zone: "Europe/Berlin", at: "2026-07-15T12:00:00Z", hours: 2 },
  { zone: "America/New_York", at: "2026-01-15T12:00:00Z", hours: -5 },
  { zone: "Asia/Kolkata", at: "2026-01-15T12:00:00Z", hours: 5.5 },
  { zone: "Asia/Kathmandu", at: "2026-01-15T12:00:00Z", hours: 5.75 },
  { zone: "America/St_Johns", at: "2026-01-15T12:00:00Z", hours: -3.5 },
  { zone: "Australia/Lord_Howe", at: "2026-01-15T12:00:00Z", hours: 11 },
  { zone: "Australia/Lord_Howe", at: "2026-07-15T12:00:00Z", hours: 10.5 },
  { zone: "Pacific/Kiritimati", at: "2026-01-15T12:00:00Z", hours: 14 },
  { zone: "UTC", at: "2026-07-15T12:00:00Z", hours: 0 },
])("$zone is $hours hours ahead at $at", ({ zone, at, hours }) => {
  expect(zoneOffsetMs(zone, ms(at)) / HOUR_MS).toBe(hours);
});

test.each([
  { zone: "Europe/Berlin", year: 2026, at: ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"], hours: [1, -1] },
  { zone: "Europe/Berlin", year: 2019, at: ["2019-03-31T01:00:00Z", "2019-10-27T01:00:00Z"], hours: [1, -1] },
  {
    zone: "America/New_York",
    year: 2024,
    at: ["2024-03-10T07:00:00Z", "2024-11-03T06:00:00Z"],
    hours: [1, -1],
  },
  {
    zone: "Australia/Sydney",
    year: 2026,
    at: ["2026-04-04T16:00:00Z", "2026-10-03T16:00:00Z"],
    hours: [-1, 1],
  },
  {
    zone: "Australia/Lord_Howe",
    year: 2026,
    at: ["2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"],
    hours: [-0.5, 0.5],
  },
  { zone: "Asia/Kolkata", year: 2026, at: [], hours: [] },
])("the clocks of $zone change in $year at $at", ({ zone, year, at, hours }) => {
  const changes = clockChanges(zone, Date.UTC(year, 0), Date.UTC(year + 1, 0));
  expect(changes.map((change) => new Date(change.at).toISOString().replace(".000", ""))).toEqual(at);
  expect(changes.map(({ shiftMs }) => shiftMs / HOUR_MS)).toEqual(hours);
});

test("a change lies in a span that ends with it, and not in one that begins with it", () => {
  const at = ms("2026-03-29T01:00:00Z");
  expect(clockChanges("Europe/Berlin", at - 1, at)).toEqual([{ at, shiftMs: HOUR_MS }]);
  expect(clockChanges("Europe/Berlin", at, at + HOUR_MS)).toEqual([]);
  expect(clockChanges("Europe/Berlin", at - HOUR_MS, at - 1)).toEqual([]);
});

test.each(["Europe/Berlin", "UTC", "Etc/GMT-3", "America/Argentina/Ushuaia"])("%s is a time zone", (name) => {
  expect(isTimeZone(name)).toBe(true);
});

test.each(["", "Mars/Base", "Europe/Berlim", "+02:00", "UTC+2", "local", "Europe/Berlin "])(
  '"%s" is no time zone, and the message says what one looks like',
  (name) => {
    expect(isTimeZone(name)).toBe(false);
    expect(TimeZone.safeParse(name).error?.issues[0]?.message).toContain("such as Europe/Berlin");
  },
);
