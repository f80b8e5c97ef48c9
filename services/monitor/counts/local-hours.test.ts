import { expect, test } from "vitest";
import { LocalHours, localHoursOf } from "./local-hours.ts";

const HOUR_MS = 3_600_000;
const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString().replace(":00.000Z", "Z");

test.each([
  { zone: "UTC", width: 24, hour: "2026-03-29T10:00Z", start: "2026-03-29T00:00Z", end: "2026-03-30T00:00Z" },
  {
    zone: "Europe/Berlin",
    width: 24,
    hour: "2026-03-28T10:00Z",
    start: "2026-03-27T23:00Z",
    end: "2026-03-28T23:00Z",
  },
  // A day of 23 hours, and one of 25.
  {
    zone: "Europe/Berlin",
    width: 24,
    hour: "2026-03-29T10:00Z",
    start: "2026-03-28T23:00Z",
    end: "2026-03-29T22:00Z",
  },
  {
    zone: "Europe/Berlin",
    width: 24,
    hour: "2026-10-25T10:00Z",
    start: "2026-10-24T22:00Z",
    end: "2026-10-25T23:00Z",
  },
  {
    zone: "Europe/Berlin",
    width: 6,
    hour: "2026-03-29T00:00Z",
    start: "2026-03-28T23:00Z",
    end: "2026-03-29T04:00Z",
  },
  {
    zone: "Europe/Berlin",
    width: 6,
    hour: "2026-10-25T03:00Z",
    start: "2026-10-24T22:00Z",
    end: "2026-10-25T05:00Z",
  },
  {
    zone: "Australia/Sydney",
    width: 6,
    hour: "2026-04-04T18:00Z",
    start: "2026-04-04T13:00Z",
    end: "2026-04-04T20:00Z",
  },
  // Half an hour is left out: calls are counted by hours of UTC.
  {
    zone: "Asia/Kolkata",
    width: 24,
    hour: "2026-03-29T10:00Z",
    start: "2026-03-28T19:00Z",
    end: "2026-03-29T19:00Z",
  },
  {
    zone: "Europe/Berlin",
    width: 1,
    hour: "2026-10-25T01:00Z",
    start: "2026-10-25T01:00Z",
    end: "2026-10-25T02:00Z",
  },
  {
    zone: "Europe/Berlin",
    width: 1,
    hour: "2026-03-29T00:00Z",
    start: "2026-03-29T00:00Z",
    end: "2026-03-29T01:00Z",
  },
])("$width h in $zone around $hour are from $start to $end", ({ zone, width, hour, start, end }) => {
  const window = new LocalHours(zone).windowOf(at(hour), width);
  expect({ start: iso(window.start), end: iso(window.end) }).toEqual({ start, end });
});

test("windows of a year follow one another without gap or overlap, in every kind of zone", () => {
  for (const zone of [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Kathmandu",
  ])
    for (const width of [1, 6, 24]) {
      const clock = new LocalHours(zone);
      let { start, end } = clock.windowOf(at("2026-01-01T00:00Z"), width);
      for (let hour = at("2026-01-01T00:00Z"); hour < at("2027-01-01T00:00Z"); hour += HOUR_MS) {
        const window = clock.windowOf(hour, width);
        if (hour < end) expect(window).toEqual({ start, end });
        else expect(window.start).toBe(end);
        ({ start, end } = window);
      }
    }
});

test("the clock of UTC shows UTC", () => {
  expect(localHoursOf("UTC").shownAt(at("2026-03-29T10:00Z"))).toBe(at("2026-03-29T10:00Z"));
});
