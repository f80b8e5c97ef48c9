import { expect, test } from "vitest";
import { boostedRate, compensatedRate } from "./deploy-boost.ts";
import { liveInterval } from "./live-interval.ts";

test.each([
  { name: "verdicts use the exact sequence", n: 250, sum: 230, sumOfSquares: 230, method: "exact" },
  {
    name: "low-variance scores use the asymptotic one",
    n: 400,
    sum: 320,
    sumOfSquares: 260,
    method: "asymptotic",
  },
  { name: "few scores use the exact one", n: 99, sum: 79.2, sumOfSquares: 64, method: "exact" },
])("$name", ({ method, ...sums }) => {
  const interval = liveInterval(sums);
  expect(interval.method).toBe(method);
  expect(interval.lower).toBeLessThan(interval.mean);
  expect(interval.upper).toBeGreaterThan(interval.mean);
  const clustered = liveInterval(sums, { inflation: 3 });
  expect(clustered.lower).toBeLessThan(interval.lower);
});

test("below ten units the mean is not to be printed", () => {
  expect(liveInterval({ n: 9, sum: 8, sumOfSquares: 8 }).printable).toBe(false);
  expect(liveInterval({ n: 0, sum: 0, sumOfSquares: 0 })).toMatchObject({
    lower: 0,
    upper: 1,
    printable: false,
  });
});

test("a new version is sampled four times as much until 400 units, and the month pays it back", () => {
  expect(boostedRate(0.05, 0)).toBeCloseTo(0.2, 12);
  expect(boostedRate(0.05, 400)).toBe(0.05);
  expect(boostedRate(0.1, 0)).toBe(0.2);
  expect(boostedRate(0.3, 0)).toBe(0.3);
  // 140,000 units a month, 2,000 of them boosted with 400 judged: (7,000 − 400)/138,000.
  expect(compensatedRate(0.05, 140_000, 2000, 400)).toBeCloseTo(6600 / 138_000, 12);
});
