import { expect, test } from "vitest";
import { estimate, weightedTotal } from "./compare-versions.ts";

const rows = (count: number, passes: number, sample_rate: number) =>
  Array.from({ length: count }, (_, i) => ({ score: i < passes ? 1 : 0, sample_rate }));

test("at one rate the total is the plain sum, and every unit says as much as any other", () => {
  const total = weightedTotal(rows(50, 40, 0.05));
  expect(total.units).toBe(50);
  expect(total.score_sum).toBeCloseTo(40, 9);
  expect(total.effective_units).toBeCloseTo(50, 9);
});

test("a slice judged four times as often counts for its traffic only", () => {
  // A fifth of the traffic at 50%, the rest at 95%: 86% on average, whatever was judged more often.
  const total = weightedTotal([...rows(100, 50, 0.2), ...rows(100, 95, 0.05)]);
  expect(total.score_sum / total.units).toBeCloseTo(0.2 * 0.5 + 0.8 * 0.95, 9);
  expect(total.effective_units).toBeLessThan(150);
  const [low, high] = estimate(total, 0.05).interval;
  const [plainLow, plainHigh] = estimate({ units: 200, score_sum: total.score_sum }, 0.05).interval;
  expect(high - low).toBeGreaterThan(plainHigh - plainLow);
});

test("without units there is no mean, and the interval says so", () => {
  expect(estimate(weightedTotal([]), 0.05)).toMatchObject({ mean: 0, interval: [0, 1] });
});
