import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asymptoticConfidenceSequence, confidenceSequence } from "./confidence-sequence.ts";
import { wilsonInterval } from "./proportion-interval.ts";
import { createRandom } from "../special/random.ts";

const counts = fc
  .tuple(fc.integer({ min: 1, max: 20_000 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([n, share]) => ({ n, sum: n * share }));

describe("the beta-binomial confidence sequence", () => {
  test("by hand: with one pass of one unit the lower end is α/2", () => {
    // B(1.5, 0.5)/B(0.5, 0.5) = ½, so the set is { p : ½/p < 1/α } = (α/2, 1].
    const interval = confidenceSequence(1, 1, { alpha: 0.05 });
    expect(interval.lower).toBeCloseTo(0.025, 12);
    expect(interval.upper).toBe(1);
  });

  test("contains the sample mean, and grows with a smaller alpha", () => {
    fc.assert(
      fc.property(counts, ({ n, sum }) => {
        const wide = confidenceSequence(sum, n, { alpha: 0.01 });
        const narrow = confidenceSequence(sum, n, { alpha: 0.1 });
        expect(narrow.lower).toBeLessThanOrEqual(sum / n);
        expect(narrow.upper).toBeGreaterThanOrEqual(sum / n);
        expect(wide.lower).toBeLessThanOrEqual(narrow.lower);
        expect(wide.upper).toBeGreaterThanOrEqual(narrow.upper);
        expect(wide.lower).toBeGreaterThanOrEqual(0);
        expect(wide.upper).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("fails instead of passes mirror the interval", () => {
    fc.assert(
      fc.property(counts, ({ n, sum }) => {
        const one = confidenceSequence(sum, n);
        const other = confidenceSequence(n - sum, n);
        expect(one.lower).toBeCloseTo(1 - other.upper, 9);
      }),
    );
  });

  test("half-width at 0.92: 5.9 points at n = 250, 1.23 at n = 7,500", () => {
    const half = (n: number): number => {
      const { lower, upper } = confidenceSequence(0.92 * n, n);
      return (100 * (upper - lower)) / 2;
    };
    expect(half(250)).toBeCloseTo(5.9, 1);
    expect(half(7500)).toBeCloseTo(1.23, 2);
  });

  test("no units say nothing, and impossible sums are refused", () => {
    expect(confidenceSequence(0, 0)).toEqual({ lower: 0, upper: 1 });
    expect(() => confidenceSequence(3, 2)).toThrow(RangeError);
    expect(() => confidenceSequence(1, 2, { alpha: 0 })).toThrow(RangeError);
  });
});

test("under ninety daily looks the sequence keeps its promise and Wilson does not", () => {
  const runs = 300;
  const truth = 0.92;
  const misses = { wilson: 0, sequence: 0, asymptotic: 0 };
  for (let seed = 0; seed < runs; seed++) {
    const random = createRandom(seed);
    const missed = { wilson: false, sequence: false, asymptotic: false };
    let n = 0;
    let sum = 0;
    for (let day = 0; day < 90; day++) {
      for (let i = 0; i < 250; i++) sum += random.uniform() < truth ? 1 : 0;
      n += 250;
      const excludes = ({ lower, upper }: { lower: number; upper: number }): boolean =>
        truth < lower || truth > upper;
      const mean = sum / n;
      const sd = Math.sqrt(mean * (1 - mean));
      missed.wilson ||= excludes(wilsonInterval(sum, n));
      missed.sequence ||= excludes(confidenceSequence(sum, n));
      missed.asymptotic ||= excludes(asymptoticConfidenceSequence(mean, sd, n));
    }
    for (const kind of ["wilson", "sequence", "asymptotic"] as const) misses[kind] += missed[kind] ? 1 : 0;
  }
  expect(misses.wilson / runs).toBeGreaterThan(0.3);
  expect(misses.sequence / runs).toBeLessThan(0.02);
  expect(misses.asymptotic / runs).toBeLessThan(0.05);
});
