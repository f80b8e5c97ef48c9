import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aucDeLong, aucRelevanceTest } from "./auc.ts";
import { classifyDomain } from "./domain-classifier.ts";
import { DRIFT_LEVEL_MAX, DRIFT_PATIENCE, driftFlags, driftStep } from "./drift-detector.ts";
import { hashedNgrams } from "./hashed-ngrams.ts";
import { jensenShannonDistance } from "./jensen-shannon.ts";
import { eBenjaminiHochberg, pToEMixture } from "../sequential/multiple-testing.ts";
import { psiRelevanceTest, psiTolerance, psi, psiContributions, psiDebiased, psiUnderNull } from "./psi.ts";
import { createRandom } from "../special/random.ts";
import { wasserstein1 } from "./wasserstein.ts";

const windows = fc
  .integer({ min: 2, max: 12 })
  .chain((bins) => {
    const side = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: bins, maxLength: bins });
    return fc.tuple(side, side);
  })
  .filter(([a, b]) => a.some((n) => n > 0) && b.some((n) => n > 0));
const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 30 });

describe("PSI", () => {
  test("a doubled share costs 0.0693 nats", () => {
    // Shares 0.1, 0.9 → 0.2, 0.8: 0.1·ln 2 + (−0.1)·ln(8/9) = 0.06931 + 0.01178; a million rows leave no smoothing.
    expect(psi([1e6, 9e6], [2e6, 8e6])).toBeCloseTo(0.1 * Math.LN2 - 0.1 * Math.log(8 / 9), 6);
  });

  test("is 0 for equal windows, positive otherwise, symmetric, and the sum of its contributions", () => {
    fc.assert(
      fc.property(windows, ([a, b]) => {
        const value = psi(a, b);
        const n = a.reduce((x, y) => x + y, 0) + a.length / 2;
        const m = b.reduce((x, y) => x + y, 0) + a.length / 2;
        const equal = a.every((count, i) => Math.abs((count + 0.5) / n - (b[i]! + 0.5) / m) < 1e-12);
        expect(psi(a, a)).toBe(0);
        expect(value > 1e-12).toBe(!equal);
        expect(psi(b, a)).toBeCloseTo(value, 10);
        expect(psiContributions(a, b).reduce((x, y) => x + y, 0)).toBeCloseTo(value, 10);
        expect(psiContributions(a, b).every((term) => term >= 0)).toBe(true);
      }),
    );
  });

  test("without drift its mean is the bias that debiasing takes off, and p at tau 0 is uniform", () => {
    const random = createRandom(20);
    const shape = [0.1, 0.2, 0.3, 0.25, 0.15];
    const draw = (n: number) => {
      const bins = shape.map(() => 0);
      for (let i = 0; i < n; i++) {
        let u = random.uniform();
        let bin = 0;
        while (bin < 4 && u >= shape[bin]!) u -= shape[bin++]!;
        bins[bin]!++;
      }
      return bins;
    };
    const about = { bins: 5, referenceRows: 1_000, currentRows: 1_000 };
    const values = Array.from({ length: 600 }, () => psi(draw(1_000), draw(1_000)));
    const mean = values.reduce((x, y) => x + y, 0) / values.length;
    // Standard error of the mean: s · sqrt(2 (B − 1)/600) = 0.0002.
    expect(Math.abs(mean - psiUnderNull(about))).toBeLessThan(4 * 0.0002);
    const small = values.filter((value) => psiRelevanceTest(value, 0, about) <= 0.05).length;
    expect(small / 600).toBeGreaterThan(0.05 - 4 * 0.009);
    expect(small / 600).toBeLessThan(0.05 + 4 * 0.009);
    expect(values.filter((value) => psiRelevanceTest(value, 0.02, about) <= 0.01)).toEqual([]);
    expect(psiDebiased(0.001, about)).toBe(0);
  });

  test("the tolerance of a feature is at least 0.02 and follows its restless days", () => {
    expect(psiTolerance([])).toBe(0.02);
    expect(psiTolerance([0, 0, 0.001])).toBe(0.02);
    expect(psiTolerance(Array.from({ length: 11 }, (_, i) => i / 100))).toBeCloseTo(0.09, 12);
  });

  test("refuses windows it cannot compare", () => {
    expect(() => psi([1, 2], [1, 2, 3])).toThrow(RangeError);
    expect(() => psi([0, 0], [1, 2])).toThrow(RangeError);
    expect(() => psi([5], [5])).toThrow(RangeError);
    expect(() => psi([1, -1], [1, 2])).toThrow(RangeError);
    expect(() => psiRelevanceTest(0.1, -1, { bins: 5, referenceRows: 9, currentRows: 9 })).toThrow(
      RangeError,
    );
  });
});

describe("the Jensen–Shannon distance between binned windows", () => {
  test("lies in [0, 1], is symmetric, and is 0 for equal shares and 1 for disjoint ones", () => {
    expect(jensenShannonDistance([5, 0], [0, 7])).toBeCloseTo(1, 12);
    fc.assert(
      fc.property(windows, ([a, b]) => {
        const value = jensenShannonDistance(a, b);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        expect(jensenShannonDistance(b, a)).toBeCloseTo(value, 12);
        const threefold = a.map((n) => 3 * n);
        expect(jensenShannonDistance(a, threefold)).toBeCloseTo(0, 7);
      }),
    );
  });
});

describe("two samples on the line", () => {
  test("moving one of two points by three units costs 1.5", () => {
    expect(wasserstein1([0, 1], [0, 4])).toBeCloseTo(1.5, 12);
  });

  test("Wasserstein-1 is symmetric, 0 for itself, and a shift by d costs |d|", () => {
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: -9, max: 9 }), (a, b, d) => {
        expect(wasserstein1(a, b)).toBeCloseTo(wasserstein1(b, a), 9);
        expect(wasserstein1(a, a)).toBeCloseTo(0, 9);
        expect(
          wasserstein1(
            a,
            a.map((value) => value + d),
          ),
        ).toBeCloseTo(Math.abs(d), 9);
      }),
    );
  });

  test("the AUC of pairs counted by hand, and a finite p-value without overlap", () => {
    // Pairs (0.1, 0.3), (0.1, 0.2), (0.3, 0.3) tie, (0.3, 0.2) lost: (1 + 1 + ½ + 0)/4.
    expect(aucDeLong([0.1, 0.3], [0.3, 0.2]).auc).toBeCloseTo(0.625, 12);
    const apart = aucDeLong([0, 1, 2], [3, 4, 5]);
    expect(apart).toMatchObject({ auc: 1, variance: 0 });
    expect(aucRelevanceTest(apart)).toBeGreaterThan(0.01);
    expect(() => aucDeLong([1], [1, 2])).toThrow(RangeError);
  });
});

describe("drift detector", () => {
  test("a level grows by its start and is capped; strong drift fades once it ends", () => {
    expect(driftStep(0, 1)).toBe(1);
    expect(driftStep(3, 0.5)).toBe(2);
    expect(driftStep(DRIFT_LEVEL_MAX, 50)).toBe(DRIFT_LEVEL_MAX);
    expect(driftStep(0, pToEMixture(0))).toBe(DRIFT_LEVEL_MAX);
    expect(() => driftStep(-1, 1)).toThrow(RangeError);
    expect(() => driftStep(1, NaN)).toThrow(RangeError);
  });

  test("flags are those of e-BH at one over the patience", () => {
    // K·C = 4·90 = 360: 400 alone passes; 200 passes only as second of two, and so on.
    expect(driftFlags([400, 200, 1, 0], 90)).toEqual([0, 1]);
    expect(driftFlags([350, 170, 110, 80], 90)).toEqual([]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { minLength: 1 }), (levels) => {
        const logs = levels.map(Math.log);
        const rule = eBenjaminiHochberg(logs, 1 / DRIFT_PATIENCE.daily);
        expect(driftFlags(levels, DRIFT_PATIENCE.daily)).toEqual([...rule].sort((a, b) => a - b));
      }),
    );
  });

  test("a quarter of quiet days raises no flag; a money share going from 18% to 30% does within days", () => {
    const random = createRandom(7);
    const day = (share: number) => {
      let money = 0;
      for (let i = 0; i < 1_000; i++) if (random.uniform() < share) money++;
      return [money, 1_000 - money];
    };
    const levels = Array.from({ length: 30 }, () => 0);
    const watch = (shareOfFirst: number) => {
      for (let feature = 0; feature < 30; feature++) {
        const p = psiRelevanceTest(psi([720, 3_280], day(feature === 0 ? shareOfFirst : 0.18)), 0.02, {
          bins: 2,
          referenceRows: 4_000,
          currentRows: 1_000,
        });
        levels[feature] = driftStep(levels[feature]!, pToEMixture(p));
      }
      return driftFlags(levels, DRIFT_PATIENCE.daily);
    };
    for (let d = 0; d < 90; d++) expect(watch(0.18)).toEqual([]);
    let days = 1;
    while (watch(0.3).length === 0) days++;
    expect(days).toBeLessThanOrEqual(4);
    expect(driftFlags(levels, DRIFT_PATIENCE.daily)).toEqual([0]);
  });
});

describe("text drift", () => {
  const topics = [
    "refund of an order",
    "reset my password",
    "invoice copy",
    "delivery is late",
    "change address",
  ];
  const ticket = (random: { integer: (bound: number) => number }, extra: string, i: number) => ({
    id: `${extra}${i}-${random.integer(1e9)}`,
    text: `Hello, please help with ${topics[random.integer(topics.length)]!} number ${random.integer(100_000)} ${extra}`,
  });

  test("hashed n-grams have norm 1 and ignore case and white space", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
        const { values, indices } = hashedNgrams(text);
        const norm = values.reduce((total, value) => total + value * value, 0);
        expect(values.length === 0 ? 1 : norm).toBeCloseTo(1, 10);
        expect(indices.every((index, k) => k === 0 || index > indices[k - 1]!)).toBe(true);
      }),
    );
    expect(hashedNgrams("  A  b\n")).toEqual(hashedNgrams("a b"));
  });

  test("equal sources cannot be told apart, a new phrase can, and it is named", () => {
    const random = createRandom(11);
    const before = Array.from({ length: 400 }, (_, i) => ticket(random, "", i));
    const same = Array.from({ length: 400 }, (_, i) => ticket(random, "", i));
    const changed = Array.from({ length: 400 }, (_, i) =>
      ticket(random, i % 2 === 0 ? "Sent from my phone" : "", i),
    );
    const quiet = classifyDomain(before, same);
    expect(Math.abs(quiet.auc.auc - 0.5)).toBeLessThan(0.08);
    expect(quiet.pValue).toBeGreaterThan(0.05);
    const loud = classifyDomain(before, changed);
    expect(loud.auc.auc).toBeGreaterThan(0.7);
    expect(loud.pValue).toBeLessThan(1e-6);
    const named = loud.ngrams.filter(
      ({ ngram, weight }) => weight > 0 && " sent from my phone ".includes(ngram),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(classifyDomain([...before].reverse(), changed).auc).toEqual(loud.auc);
    expect(() => classifyDomain(before.slice(0, 5), changed)).toThrow(RangeError);
  });
});
