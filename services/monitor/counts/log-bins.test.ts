import { expect, test } from "vitest";
import { compareBins } from "./compare-bins.ts";
import { binNames, binValue, countBins, freezeBins, logBin, MISSING_BIN, numericSizes } from "./log-bins.ts";
import { compareResponseModels } from "../outputs/response-models.ts";

test("the grid keeps order, zero apart, and a value within 19% of its bin's", () => {
  expect([0, -1, Number.NaN].map(logBin)).toEqual([0, 0, 0]);
  expect(logBin(1)).toBe(65);
  for (const value of [0.001, 0.3, 1, 7, 850, 12_000]) {
    expect(Math.abs(Math.log(binValue(logBin(value)) / value))).toBeLessThan(Math.log(1.19));
  }
});

test.each([
  {
    name: "a constant shows a move either way",
    reference: [[80, 100]],
    window: [
      [79, 1],
      [80, 2],
      [85, 3],
    ],
    counts: [1, 2, 3, 0],
  },
  {
    name: "frequent zeros have a bin",
    reference: [
      [0, 50],
      [80, 50],
    ],
    window: [
      [0, 4],
      [80, 1],
    ],
    counts: [0, 1, 0, 4, 0],
  },
  {
    name: "always zero: anything above it shows",
    reference: [[0, 100]],
    window: [
      [0, 4],
      [70, 2],
    ],
    counts: [2, 4, 0],
  },
  { name: "missing has a bin", reference: [[80, 100]], window: [[MISSING_BIN, 5]], counts: [0, 0, 0, 5] },
])("$name", ({ reference, window, counts }) => {
  const bins = freezeBins(new Map(reference as [number, number][]));
  expect(countBins(bins, new Map(window as [number, number][]))).toEqual(counts);
  expect(binNames(bins)).toHaveLength(counts.length);
});

test("deciles of an even spread are ten groups", () => {
  const reference = new Map(Array.from({ length: 100 }, (_, i) => [20 + i, 10]));
  expect(countBins(freezeBins(reference), reference)).toEqual([...Array.from({ length: 10 }, () => 100), 0]);
});

test("sizes: a shift by an octave is an octave, and equal windows are nothing", () => {
  const reference = new Map([
    [60, 50],
    [64, 50],
  ]);
  expect(numericSizes(reference, reference)).toMatchObject({ ks: 0, wasserstein_per_iqr: 0 });
  expect(
    numericSizes(
      reference,
      new Map([
        [64, 50],
        [68, 50],
      ]),
    ),
  ).toMatchObject({ ks: 0.5 });
});

test("one rare value in a small hour is weak evidence, many are overwhelming", () => {
  // Never seen in 1,000 reference calls: one in 16 has p = 2 · 3 · (1 − (1 − 1/1002)^16) = 0.095 by the exact tail.
  expect(compareBins([0, 1_000, 0], [1, 15, 0], 0.02).pValue).toBeCloseTo(0.095, 3);
  expect(compareBins([0, 1_000, 0], [13, 3, 0], 0.02).eValue).toBeGreaterThan(1e6);
  expect(compareBins([100, 900], [11, 89], 0.02).eValue).toBeLessThan(1);
});

test.each([
  {
    name: "another model under the same name",
    before: [["a-0314", 100]],
    after: [["a-0613", 100]],
    hasChanged: true,
  },
  {
    name: "the same split",
    before: [
      ["a", 60],
      ["b", 40],
    ],
    after: [
      ["a", 580],
      ["b", 420],
    ],
    hasChanged: false,
  },
])("provider: $name", ({ before, after, hasChanged }) => {
  const map = (pairs: unknown) => new Map(pairs as [string, number][]);
  expect(compareResponseModels(map(before), map(after))?.has_changed).toBe(hasChanged);
});
