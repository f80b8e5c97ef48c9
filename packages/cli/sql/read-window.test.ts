import { afterEach, expect, test } from "vitest";
import { readTime } from "./read-window.ts";

const before = process.env["TZ"];
afterEach(() => {
  if (before === undefined) delete process.env["TZ"];
  else process.env["TZ"] = before;
});

test.each(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])(
  "a time without an offset is UTC on a computer in %s",
  (zone) => {
    process.env["TZ"] = zone;
    for (const text of [
      "2026-03-29T02:30",
      "2026-03-29 02:30",
      "2026-03-29T02:30Z",
      "2026-03-29T04:30+02:00",
    ])
      expect(new Date(readTime(text)).toISOString()).toBe("2026-03-29T02:30:00.000Z");
    expect(new Date(readTime("2026-03-29")).toISOString()).toBe("2026-03-29T00:00:00.000Z");
  },
);

test.each(["", "yesterday", "12:30", "2026-13-01", "2026-02-30", "2025-02-29T10:00Z", "2026-3-1"])(
  '"%s" is no time',
  (text) => {
    expect(() => readTime(text)).toThrow("is no time");
  },
);

test("29 February is a day in leap years", () => {
  expect(readTime("2028-02-29")).toBe(Date.UTC(2028, 1, 29));
});
