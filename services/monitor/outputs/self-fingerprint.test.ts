import { expect, test } from "vitest";
import { summaryHour } from "../measures/count-calls.fixture.ts";
import { UseCaseMeasures } from "../measures/use-case-measures.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const START = Date.parse("2026-03-02T00:00:00Z");
const HOURS_A_DAY = 8;

/** Eight hours a day of one version. @returns what is flagged at the end of each day */
function run(days: number, isMasked: (day: number) => boolean): (readonly string[])[] {
  const measures = new UseCaseMeasures();
  return Array.from({ length: days }, (_, day) => {
    for (let hour = 0; hour < HOURS_A_DAY; hour++) {
      const at = START + day * DAY_MS + hour * HOUR_MS;
      const own = summaryHour(at, "v1", isMasked(day));
      measures.addHour({
        hour: at,
        versions: [own],
        inputs: new Map(),
        outcomes: new Map(),
        responseModels: new Map(),
      });
    }
    measures.closeUntil(START + (day + 1) * DAY_MS);
    return (measures.self?.flagged() ?? []).map(({ slice, feature }) => `${feature} in ${slice || "all"}`);
  });
}

test("outputs that changed without a deploy are flagged in the slice by the second day, stay flagged, and end when they return", () => {
  const flagged = run(44, (day) => day >= 15 && day < 32);
  expect(flagged.slice(0, 15).flat()).toEqual([]);
  expect(flagged[16]?.[0]).toBe("out_masks in mentions_money");
  // For more than two weeks: new answers don't become the reference by staying.
  for (const day of flagged.slice(16, 32)) expect(day).toContain("out_masks in mentions_money");
  expect(flagged.at(-1)).toEqual([]);
});

test("answers that differ at weekends only, every week, are no drift", () => {
  expect(run(43, (day) => day % 7 >= 5).flat()).toEqual([]);
});
