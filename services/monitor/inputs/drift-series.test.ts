import { DAY_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import { DriftSeries } from "./drift-series.ts";
import { chooseWidth, type DriftWindow, OpenWindow } from "../counts/drift-window.ts";
import { localHoursOf } from "../counts/local-hours.ts";
import { logBin } from "../counts/log-bins.ts";

import { ALL } from "../counts/version-memory.ts";

/** A day of calls: lengths log-normal, a fifth mentions money; weekends are shorter and poorer. */
function day(number: number, calls: number, change: { longer?: number; money?: number } = {}): DriftWindow {
  const random = createRandom(1_000 + number);
  const isWeekend = number % 7 >= 5;
  const lengths = new Map<number, number>();
  let money = 0;
  for (let i = 0; i < calls; i++) {
    const bin = logBin(Math.exp(5 + 0.8 * random.normal() + (isWeekend ? -0.5 : 0) + (change.longer ?? 0)));
    lengths.set(bin, (lengths.get(bin) ?? 0) + 1);
    if (random.uniform() < (isWeekend ? 0.1 : (change.money ?? 0.18))) money++;
  }
  return {
    start: number * DAY_MS,
    end: (number + 1) * DAY_MS,
    shownStart: number * DAY_MS,
    widthHours: 24,
    calls,
    described: calls,
    version: "v1",
    inputs: new Map([["in_chars", lengths]]),
    slices: new Map([["mentions_money", money]]),
    outputs: new Map([["out_chars", lengths]]),
  };
}

test.each([{ calls: 200 }, { calls: 5_000 }, { calls: 50_000 }])(
  "weekends and noise at $calls calls a day are no drift in a quarter",
  ({ calls }) => {
    const series = new DriftSeries();
    const flags = Array.from(
      { length: 90 },
      (_, number) => series.closeWindow(day(number, calls)).flagged.length,
    );
    // The second week still compares weekends with weekdays: there is no weekend to compare with. From four weeks on, none.
    expect(flags.slice(28).every((flagged) => flagged === 0)).toBe(true);
    expect(Math.max(...flags)).toBeLessThanOrEqual(calls > 200 ? 3 : 0);
  },
);

test("a money share that goes from 18% to 30% is flagged in days, named, and gone days after it ends", () => {
  const series = new DriftSeries();
  const flags = Array.from({ length: 84 }, (_, number) =>
    series
      .closeWindow(day(number, 2_000, number >= 42 && number < 56 ? { money: 0.3 } : {}))
      .flagged.map((each) => each.feature),
  );
  expect(flags.slice(28, 42).flat()).toEqual([]);
  expect(flags[44]).toContain("mentions_money");
  expect(flags.at(-1)).toEqual([]);
});

test("a new mix that stays becomes the reference after four weeks", () => {
  const series = new DriftSeries();
  const flags = Array.from(
    { length: 120 },
    (_, number) => series.closeWindow(day(number, 2_000, number >= 42 ? { longer: 1 } : {})).flagged.length,
  );
  expect(flags[43]).toBeGreaterThan(0);
  expect(flags.slice(-14).every((flagged) => flagged === 0)).toBe(true);
});

test("a day with few calls decides nothing", () => {
  const series = new DriftSeries();
  for (let number = 0; number < 30; number++) series.closeWindow(day(number, 500));
  expect(series.closeWindow(day(30, 49, { longer: 3 })).results).toEqual([]);
});

test.each([
  { name: "most calls", captured: 0.2 },
  { name: "all calls", captured: 0 },
])("texts that are no longer captured of $name are no drift", ({ captured }) => {
  const series = new DriftSeries();
  const results = Array.from({ length: 60 }, (_, number) => {
    const calls = 2_000;
    const texts = day(number, number >= 42 ? calls * captured : calls);
    const open = new OpenWindow(number * DAY_MS, 24, localHoursOf("UTC"));
    open.addHour(
      [
        {
          hour: number * DAY_MS,
          version: "v1",
          calls: new Map([[ALL, calls], ...texts.slices]),
          features: new Map([[ALL, texts.outputs]]),
        },
      ],
      texts.inputs,
      calls,
    );
    return series.closeWindow(open.close());
  });
  expect(results.slice(28).flatMap(({ flagged }) => flagged.map(({ feature }) => feature))).toEqual([]);
  expect(results[41]!.results.length).toBeGreaterThan(0);
});

test.each([
  { name: "busy", hourly: 600, width: 1 },
  { name: "medium", hourly: 100, width: 6 },
  { name: "quiet", hourly: 40, width: 24 },
  { name: "silent", hourly: 0, width: 24 },
])("a $name use case has windows of $width h", ({ hourly, width }) => {
  expect(chooseWidth(Array.from({ length: 100 }, () => hourly))).toBe(width);
});
