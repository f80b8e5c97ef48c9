import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { samplingUniform } from "./hash-sampling.ts";
import { eBenjaminiHochberg, holm, pToEMixture } from "./sequential/multiple-testing.ts";

import { bernoulliDivergence } from "./sequential/planning.ts";
import { clopperPearsonInterval, wilsonInterval } from "./intervals/proportion-interval.ts";
import { createRandom, shuffle } from "./special/random.ts";
import { ridgeBaseline, solveCholesky } from "./baseline/ridge-baseline.ts";

const counts = fc
  .tuple(fc.integer({ min: 1, max: 500 }), fc.nat(500))
  .map(([n, k]) => ({ n, k: Math.min(n, k) }));
const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });

describe("proportion intervals", () => {
  test("contain k/n", () => {
    fc.assert(
      fc.property(counts, ({ k, n }) => {
        const { lower, upper } = wilsonInterval(k, n);
        expect(lower).toBeLessThanOrEqual(k / n + 1e-12);
        expect(upper).toBeGreaterThanOrEqual(k / n - 1e-12);
      }),
    );
    expect(() => wilsonInterval(4, 3)).toThrow(RangeError);
  });

  test("Clopper–Pearson by hand: no pass of n = 3 has the upper end 1 − 0.025^(1/3)", () => {
    expect(clopperPearsonInterval(0, 3).upper).toBeCloseTo(1 - Math.cbrt(0.025), 12);
  });
});

describe("multiple testing", () => {
  test("Holm's values are at least p, and follow a reordering", () => {
    fc.assert(
      fc.property(probabilities, (p) => {
        const adjusted = holm(p);
        for (const i of p.keys()) expect(adjusted[i]).toBeGreaterThanOrEqual(p[i]! * (1 - 1e-12));
        expect(holm(p.toReversed()).reverse()).toEqual(adjusted);
      }),
    );
  });

  test("e-BH by hand: one hypothesis needs 1/q, the second of two too", () => {
    expect(eBenjaminiHochberg([Math.log(20)], 0.05)).toEqual([0]);
    expect(eBenjaminiHochberg([Math.log(19.9)], 0.05)).toEqual([]);
    expect(eBenjaminiHochberg([Math.log(21), Math.log(21)], 0.05)).toEqual([0, 1]);
    expect(eBenjaminiHochberg([-Infinity, Infinity, -Infinity], 0.05)).toEqual([1]);
    expect(eBenjaminiHochberg([], 0.05)).toEqual([]);
  });

  test("the calibrator is an e-value: its integral over uniform p is at most one", () => {
    const steps = 200_000;
    let mixture = 0;
    for (let i = 0; i < steps; i++) {
      // Substituting p = u⁴ tames the singularity at 0.
      const u = (i + 0.5) / steps;
      mixture += (pToEMixture(u ** 4) * 4 * u ** 3) / steps;
    }
    expect(mixture).toBeLessThanOrEqual(1);
    expect(mixture).toBeGreaterThan(0.9);
    expect(pToEMixture(1)).toBe(0.5);
    expect(pToEMixture(0.98999)).toBeCloseTo(pToEMixture(0.99001), 4);
  });
});

describe("planning", () => {
  test("the divergence of a rate from itself is zero", () => {
    expect(bernoulliDivergence(0.3, 0.3)).toBe(0);
    expect(() => bernoulliDivergence(0.3, 1)).toThrow(RangeError);
  });
});

describe("hash sampling", () => {
  test("is uniform over ids and independent over salts", () => {
    let sampled = 0;
    let both = 0;
    for (let i = 0; i < 20_000; i++) {
      const one = samplingUniform("a:", `c${i}`) < 0.05;
      sampled += one ? 1 : 0;
      both += one && samplingUniform("b:", `c${i}`) < 0.05 ? 1 : 0;
    }
    // Four standard errors: 1000 ± 123 and 50 ± 28.
    expect(Math.abs(sampled - 1000)).toBeLessThan(123);
    expect(Math.abs(both - 50)).toBeLessThan(28);
  });
});

describe("the ridge baseline", () => {
  test("by hand: a Cholesky solve of two unknowns", () => {
    // 4x + 2y = 10, 2x + 3y = 9 has x = 1.5, y = 2.
    expect([...solveCholesky(Float64Array.of(4, 2, 2, 3), Float64Array.of(10, 9))]).toEqual([
      expect.closeTo(1.5, 12),
      expect.closeTo(2, 12),
    ]);
    expect(() => solveCholesky(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1))).toThrow(RangeError);
  });

  test("without columns it is the mean, and a weight of one half is half a row", () => {
    const rows = [1, 0, 1, 1].map((x) => ({ active: [], x }));
    expect(ridgeBaseline(rows, 0)[0]).toBeCloseTo(0.75, 6);
    const weighted = ridgeBaseline(
      [
        { active: [1], x: 1, weight: 0.5 },
        { active: [1], x: 1, weight: 0.5 },
        { active: [], x: 0 },
      ],
      1,
    );
    const plain = ridgeBaseline(
      [
        { active: [1], x: 1 },
        { active: [], x: 0 },
      ],
      1,
    );
    for (const [i, value] of weighted.entries()) expect(value).toBeCloseTo(plain[i]!, 12);
  });
});

describe("the random source", () => {
  test("repeats itself for a seed and differs between neighbouring seeds", () => {
    expect(createRandom(9).uniform()).toBe(createRandom(9).uniform());
    expect(createRandom(9).uniform()).not.toBe(createRandom(10).uniform());
  });

  test("has the moments it should and shuffles every order equally often", () => {
    const random = createRandom(3);
    const n = 40_000;
    let uniform = 0;
    let normal = 0;
    let square = 0;
    const orders = new Map<string, number>();
    for (let i = 0; i < n; i++) {
      uniform += random.uniform();
      const z = random.normal();
      normal += z;
      square += z * z;
      const list = ["a", "b", "c"];
      shuffle(list, random);
      orders.set(list.join(""), (orders.get(list.join("")) ?? 0) + 1);
    }
    expect(Math.abs(uniform / n - 0.5)).toBeLessThan(0.006);
    expect(Math.abs(normal / n)).toBeLessThan(0.02);
    expect(Math.abs(square / n - 1)).toBeLessThan(0.03);
    expect(orders.size).toBe(6);
    for (const count of orders.values()) expect(Math.abs(count - n / 6)).toBeLessThan(4 * Math.sqrt(n / 6));
  });
});
