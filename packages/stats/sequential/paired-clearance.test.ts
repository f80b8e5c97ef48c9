import fc from "fast-check";
import { expect, test } from "vitest";
import { LOG_CLEARED, logClearanceOfPairs, plannedClearancePairs } from "./clearance.ts";
import { logMixture } from "./e-value.ts";
import { logEvidenceOfPairs } from "./paired-canary.ts";
import { createRandom } from "../special/random.ts";

const MARGIN = 0.03;
const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 40 });

test("by hand: one pair with equal scores, one lost, one won", () => {
  // 1 + 0.8 · (0.03 − D)/0.97
  const e = (d: number): number => Math.exp(logClearanceOfPairs([d], { margin: MARGIN, bets: [0.8] })[0]!);
  expect(e(0)).toBeCloseTo(1.024742, 6);
  expect(e(1)).toBeCloseTo(0.2, 12);
  expect(e(-1)).toBeCloseTo(1.849485, 6);
});

test("at a drop of exactly the margin the mean e-value is at most 1 + 4 se", () => {
  const values = Array.from({ length: 4000 }, (_, seed) => {
    const random = createRandom(seed);
    const draw = (p: number): number => (random.uniform() < p ? 1 : 0);
    const pairs = Array.from({ length: 30 }, () => draw(0.9) - draw(0.9 - MARGIN));
    return Math.exp(logMixture(logClearanceOfPairs(pairs, { margin: MARGIN })));
  });
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  expect(mean).toBeLessThanOrEqual(1 + 4 * Math.sqrt(variance / values.length));
});

test("a drop of the margin is cleared in at most 5% of canaries, however often one looks", () => {
  let cleared = 0;
  const runs = 600;
  for (let seed = 0; seed < runs; seed++) {
    const random = createRandom(seed);
    const draw = (p: number): number => (random.uniform() < p ? 1 : 0);
    const log = new Float64Array(5);
    for (let i = 0; i < 800; i++) {
      const step = logClearanceOfPairs([draw(0.9) - draw(0.8)], { margin: 0.1 });
      for (let j = 0; j < log.length; j++) log[j]! += step[j]!;
      if (logMixture(log) < LOG_CLEARED) continue;
      cleared += 1;
      break;
    }
  }
  // Three standard errors above the bound.
  expect(cleared / runs).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs));
});

test("the order of pairs and the place of a cut change nothing, and tempering only weakens", () => {
  fc.assert(
    fc.property(differences, fc.nat(40), (pairs, cut) => {
      const whole = logClearanceOfPairs(pairs, { margin: MARGIN });
      const reversed = logClearanceOfPairs(pairs.toReversed(), { margin: MARGIN });
      const head = logClearanceOfPairs(pairs.slice(0, cut), { margin: MARGIN });
      const tail = logClearanceOfPairs(pairs.slice(cut), { margin: MARGIN });
      const half = logClearanceOfPairs(pairs, { margin: MARGIN, eta: 0.5 });
      for (let j = 0; j < whole.length; j++) {
        expect(reversed[j]).toBeCloseTo(whole[j]!, 9);
        expect(head[j]! + tail[j]!).toBeCloseTo(whole[j]!, 9);
        expect(half[j]).toBeCloseTo(whole[j]! / 2, 9);
      }
    }),
  );
});

test("it mirrors the evidence of a drop: with arms and margin turned round they are the same bet", () => {
  fc.assert(
    fc.property(differences, (pairs) => {
      const turned = pairs.map((d) => -d);
      const cleared = logClearanceOfPairs(pairs, { margin: 1e-9 });
      const dropped = logEvidenceOfPairs(turned, { delta: 0 });
      for (let j = 0; j < cleared.length; j++) expect(cleared[j]).toBeCloseTo(dropped[j]!, 5);
    }),
  );
});

test("the planning figure lies between the simulated median and the 95% quantile", () => {
  const needed = Array.from({ length: 100 }, (_, seed) => {
    const random = createRandom(seed);
    const draw = (): number => (random.uniform() < 0.92 ? 1 : 0);
    const log = new Float64Array(5);
    for (let n = 1; n < 5000; n++) {
      const step = logClearanceOfPairs([draw() - draw()], { margin: 0.05 });
      for (let j = 0; j < log.length; j++) log[j]! += step[j]!;
      if (logMixture(log) >= LOG_CLEARED) return n;
    }
    return Infinity;
  }).toSorted((a, b) => a - b);
  const planned = plannedClearancePairs(0.92, { margin: 0.05 });
  expect(planned).toBe(640);
  expect(needed[50]).toBeLessThan(planned);
  expect(needed[95]).toBeGreaterThan(planned);
});

test("arguments outside their range are refused by name", () => {
  expect(() => logClearanceOfPairs([1.5], { margin: MARGIN })).toThrow("difference = 1.5");
  expect(() => logClearanceOfPairs([], { margin: 0 })).toThrow("margin = 0");
  expect(() => plannedClearancePairs(1, { margin: MARGIN })).toThrow("mean = 1");
});
