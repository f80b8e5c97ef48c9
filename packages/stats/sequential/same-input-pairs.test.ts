import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { logMixture } from "./e-value.ts";
import { logEvidenceOfPairs } from "./paired-canary.ts";
import { createRandom } from "../special/random.ts";
import { pairedInterval, readPairs, type ScorePair } from "./same-input-pairs.ts";

const pair = (difference: number, weight = 1): ScorePair => ({ difference, weight });
const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

/** Inputs of many difficulties, answered by two versions of which one is worse by `drop` on average. */
function drawPairs(seed: number, count: number, drop: number): ScorePair[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const difficulty = 0.2 + 0.6 * random.uniform();
    const draw = (mean: number): number => (random.uniform() < mean ? 1 : 0);
    return pair(draw(difficulty) - draw(difficulty - drop));
  });
}

describe("evidence", () => {
  test("with equal weights it is that of a concurrent canary", () => {
    fc.assert(
      fc.property(differences, (values) => {
        const { logE } = readPairs(values.map((value) => pair(value)));
        expect(logE).toBeCloseTo(logMixture(logEvidenceOfPairs(values)), 10);
      }),
    );
  });

  test("its largest value on the way is reported with its pair, and stays when later pairs speak against it", () => {
    const lost = Array.from({ length: 10 }, () => pair(1));
    const won = Array.from({ length: 10 }, () => pair(-1));
    const { logE, logEMax, pairsAtMax } = readPairs([...lost, ...won]);
    expect(pairsAtMax).toBe(10);
    expect(logEMax).toBeCloseTo(readPairs(lost).logE, 12);
    expect(logE).toBeLessThan(logEMax);
    expect(readPairs([])).toEqual({ logE: 0, logEMax: 0, pairsAtMax: 0 });
  });

  test("a pair of small weight says less, in both directions", () => {
    expect(readPairs([pair(1, 0.1)]).logE).toBeLessThan(readPairs([pair(1)]).logE);
    expect(readPairs([pair(-1, 0.1)]).logE).toBeGreaterThan(readPairs([pair(-1)]).logE);
  });

  test("at a drop of exactly δ the mean e-value is at most 1 + 4 se", () => {
    const values = Array.from({ length: 4000 }, (_, seed) =>
      Math.exp(readPairs(drawPairs(seed, 40, 0.01)).logE),
    );
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(mean).toBeLessThanOrEqual(1 + 4 * Math.sqrt(variance / values.length));
    expect(mean).toBeGreaterThan(0.2);
  });

  test("an unchanged version ever reaches 52 in at most one of 52 deploys, however often one looks", () => {
    const runs = 1500;
    let wrong = 0;
    for (let seed = 0; seed < runs; seed++) {
      if (readPairs(drawPairs(seed, 400, 0)).logEMax >= Math.log(52)) wrong += 1;
    }
    expect(wrong).toBeLessThanOrEqual(runs / 52);
  });

  test("a drop of 20 points is seen within 400 pairs", () => {
    const found = Array.from({ length: 40 }, (_, seed) => readPairs(drawPairs(seed, 400, 0.2)).logEMax);
    expect(found.filter((logE) => logE >= Math.log(52)).length).toBeGreaterThanOrEqual(36);
  });

  test.each([pair(1.2), pair(0, 0), pair(0, 1.5), pair(Number.NaN)])("%o is refused", (wrong) => {
    expect(() => readPairs([wrong])).toThrow(RangeError);
  });
});

describe("interval", () => {
  test("without pairs nothing is known", () => {
    const { lower, upper } = pairedInterval([]);
    expect(lower).toBeCloseTo(-1, 8);
    expect(upper).toBeCloseTo(1, 8);
  });

  test("it holds the mean of the pairs, narrows as they repeat, and turns over with the versions", () => {
    fc.assert(
      fc.property(differences, (values) => {
        const pairs = values.map((value) => pair(value));
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const { lower, upper } = pairedInterval(pairs);
        expect(lower).toBeLessThanOrEqual(mean + 1e-8);
        expect(upper).toBeGreaterThanOrEqual(mean - 1e-8);
        const mirrored = pairedInterval(values.map((value) => pair(-value)));
        expect(mirrored.lower).toBeCloseTo(-upper, 8);
        const wider = pairedInterval(pairs, { alpha: 0.01 });
        expect(wider.lower).toBeLessThanOrEqual(lower);
      }),
      { numRuns: 50 },
    );
  });

  test("it ever excludes the truth in at most 5% of histories that are looked at after every 20 pairs", () => {
    const runs = 300;
    let wrong = 0;
    for (let seed = 0; seed < runs; seed++) {
      const pairs = drawPairs(seed, 200, 0.1);
      const isWrong = Array.from({ length: 10 }, (_, i) => pairedInterval(pairs.slice(0, 20 * (i + 1)))).some(
        ({ lower, upper }) => lower > 0.1 || upper < 0.1,
      );
      if (isWrong) wrong += 1;
    }
    expect(wrong).toBeLessThanOrEqual(0.05 * runs);
  });

  test("evidence of 2/α against δ puts it above δ", () => {
    const pairs = Array.from({ length: 12 }, () => pair(0.9));
    expect(readPairs(pairs).logE).toBeGreaterThan(Math.log(40));
    expect(pairedInterval(pairs).lower).toBeGreaterThan(0.01);
  });
});
