import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addClearanceFactors, clearanceGrid } from "./clearance.ts";
import { dispersion } from "./dispersion.ts";
import {
  alarmThreshold,
  deployStartWeights,
  emptyDetector,
  stepDetector,
  streamDetectors,
  weightedStreamAverage,
} from "./e-detector.ts";
import { logMixture, nullMean, relativeDropGrid } from "./e-value.ts";
import { logClearanceOfVerdicts, logEvidenceOfScores, logEvidenceOfVerdicts } from "./evidence.fixture.ts";
import { logEvidenceOfPairs, pairInHashOrder } from "./paired-canary.ts";
import { createRandom } from "../special/random.ts";

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const standardError = (values: readonly number[]): number => {
  const m = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - m) ** 2, 0) / values.length ** 2);
};
const means = fc.double({ min: 0.05, max: 0.98, noNaN: true });

describe("the drop e-value", () => {
  test("by hand: the grid, and one fail at m = 0.5", () => {
    expect(relativeDropGrid()).toEqual(
      [0.1, 0.55, 0.775, 0.8875, 0.94375, 0.971875].map((f) => expect.closeTo(f, 12)),
    );
    // (1 − 0.1 · 0.5)/(1 − 0.5) = 1.9 on a fail, 0.1 on a pass.
    expect(Math.exp(logEvidenceOfVerdicts(0, 1, 0.5)[0]!)).toBeCloseTo(1.9, 12);
    expect(Math.exp(logEvidenceOfVerdicts(1, 0, 0.5)[0]!)).toBeCloseTo(0.1, 12);
    expect(nullMean(0.99, 0.001)).toBe(0.98);
    expect(nullMean(0.06, 0.03)).toBe(0.05);
  });

  test("scores that are all 0 or 1 give the verdict form", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1), { maxLength: 60 }), means, (x, m) => {
        const passes = mean([0, ...x]) * (x.length + 1);
        const verdicts = logEvidenceOfVerdicts(passes, x.length - passes, m);
        for (const [j, log] of logEvidenceOfScores(x, m).entries()) expect(log).toBeCloseTo(verdicts[j]!, 8);
      }),
    );
  });

  test("the exact mean of a factor under the null is one, for every bet and weight", () => {
    fc.assert(
      fc.property(means, fc.double({ min: 0.01, max: 1, noNaN: true }), (m, w) => {
        const pass = logEvidenceOfScores([1], m, { weights: [w] });
        const fail = logEvidenceOfScores([0], m, { weights: [w] });
        for (const [j, log] of pass.entries()) {
          expect(m * Math.exp(log) + (1 - m) * Math.exp(fail[j]!)).toBeCloseTo(1, 9);
        }
      }),
    );
  });

  test("the mean of exp(G) under the null is at most 1 + 4 se, tempered or not", () => {
    for (const eta of [1, 0.4]) {
      for (const m of [0.6, 0.89]) {
        const random = createRandom(42);
        const values = Array.from({ length: 4000 }, () => {
          const x = Array.from({ length: 20 }, () => {
            // Scores with mean m: a verdict half of the time, otherwise m ± noise.
            if (random.uniform() < 0.5) return random.uniform() < m ? 1 : 0;
            return m + (random.uniform() - 0.5) * 2 * Math.min(m, 1 - m);
          });
          return Math.exp(logMixture(logEvidenceOfScores(x, m, { eta })));
        });
        expect(mean(values)).toBeLessThanOrEqual(1 + 4 * standardError(values));
      }
    }
  });

  test("refuses scores, means and tempering outside their ranges", () => {
    expect(() => logEvidenceOfScores([1.1], 0.5)).toThrow(RangeError);
    expect(() => logEvidenceOfScores([1], 0.5, { weights: [0] })).toThrow(RangeError);
    expect(() => logEvidenceOfVerdicts(1, 1, 1)).toThrow(RangeError);
    expect(() => logEvidenceOfVerdicts(1, 1, 0.5, { eta: 1.5 })).toThrow(RangeError);
  });
});

describe("the detector", () => {
  test("by hand: without evidence S is the budget spent", () => {
    let state = emptyDetector(2, 3);
    const nothing = new Float64Array(6);
    for (let hour = 0; hour < 5; hour++) state = stepDetector(state, hour === 0 ? Math.log(168) : 0, nothing);
    expect(Math.exp(weightedStreamAverage(streamDetectors(state, 3), [0.4, 0.6]))).toBeCloseTo(172, 9);
  });

  test("a step leaves its input alone, and splitting an hour's evidence over streams does not mix them", () => {
    const state = emptyDetector(1, 2).fill(1);
    const next = stepDetector(state, 0, [0.5, -0.5]);
    expect([...state]).toEqual([1, 1]);
    expect(next[0]! - next[1]!).toBeCloseTo(1, 12);
  });

  test("M minus the budget spent has mean at most zero under the null", () => {
    const values: number[] = [];
    for (let seed = 0; seed < 4000; seed++) {
      const random = createRandom(seed);
      let state = emptyDetector(1, 6);
      for (let hour = 0; hour < 8; hour++) {
        const x = Array.from({ length: 3 }, () => (random.uniform() < 0.89 ? 1 : 0));
        state = stepDetector(state, hour === 0 ? Math.log(168) : 0, logEvidenceOfScores(x, 0.89));
      }
      values.push(Math.exp(streamDetectors(state, 6)[0]!) - 175);
    }
    expect(mean(values)).toBeLessThanOrEqual(4 * standardError(values));
  });

  test("weights above one and unequal shapes are refused", () => {
    expect(() => weightedStreamAverage([0, 0], [0.6, 0.6])).toThrow(RangeError);
    expect(() => stepDetector(emptyDetector(1, 2), 0, [0])).toThrow(RangeError);
  });

  test("at most D deploys of a rolling year start with W", () => {
    expect(alarmThreshold()).toBe(17_496);
    expect(alarmThreshold({ falseAlarmsPerYear: 4 })).toBe(4374);
    const hours = [0, 10, 20, 8760, 8765];
    expect(deployStartWeights(hours, { deploysPerYear: 2 })).toEqual([168, 168, 1, 168, 1]);
  });
});

describe("clearance", () => {
  test("the exact mean of a factor at the boundary is one", () => {
    fc.assert(
      fc.property(means, (m) => {
        const pass = logClearanceOfVerdicts(1, 0, m);
        const fail = logClearanceOfVerdicts(0, 1, m);
        for (const [j, log] of pass.entries()) {
          expect(m * Math.exp(log) + (1 - m) * Math.exp(fail[j]!)).toBeCloseTo(1, 9);
        }
      }),
    );
  });

  test("the score form agrees with the verdict form", () => {
    const log = new Float64Array(6);
    for (const x of [1, 1, 0, 1]) addClearanceFactors(log, 0, x, 0.89, 1, 0.5, clearanceGrid());
    const verdicts = logClearanceOfVerdicts(3, 1, 0.89, { eta: 0.5 });
    for (const [j, value] of log.entries()) expect(value).toBeCloseTo(verdicts[j]!, 12);
  });

  test("at an unchanged 0.92 about 712 units clear a three-point margin", () => {
    const needed: number[] = [];
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(seed);
      let passes = 0;
      let n = 0;
      while (logMixture(logClearanceOfVerdicts(passes, n - passes, 0.89)) < Math.log(20)) {
        passes += random.uniform() < 0.92 ? 1 : 0;
        n += 1;
      }
      needed.push(n);
    }
    const median = needed.sort((a, b) => a - b)[100]!;
    expect(median).toBeGreaterThan(580);
    expect(median).toBeLessThan(850);
  });
});

describe("the paired canary", () => {
  test("under equal arms the mean e-value is at most 1 + 4 se", () => {
    const values = Array.from({ length: 4000 }, (_, seed) => {
      const random = createRandom(seed);
      const draw = (): number => (random.uniform() < 0.9 ? 1 : 0);
      return Math.exp(logMixture(logEvidenceOfPairs(Array.from({ length: 20 }, () => draw() - draw()))));
    });
    expect(mean(values)).toBeLessThanOrEqual(1 + 4 * standardError(values));
  });

  test("pairs within a stratum in hash order, and drops the surplus", () => {
    const u = (stratum: string, uniform: number, x: number) => ({ stratum, uniform, x });
    const old = [u("b", 0.9, 1), u("a", 0.5, 1), u("a", 0.1, 0.5), u("c", 0.2, 1)];
    const current = [u("a", 0.4, 0.25), u("a", 0.3, 0.5), u("b", 0.1, 0), u("b", 0.2, 1)];
    expect(pairInHashOrder(old, current)).toEqual([0, 0.75, 1]);
  });
});

describe("dispersion", () => {
  test("c identical copies give about c, independent verdicts about one", () => {
    const random = createRandom(5);
    const passes = Array.from({ length: 2000 }, () =>
      Array.from({ length: 10 }, () => (random.uniform() < 0.9 ? 1 : 0)).reduce(
        (sum: number, x) => sum + x,
        0,
      ),
    );
    const single = dispersion(
      passes.map(() => 10),
      passes,
    );
    const triple = dispersion(
      passes.map(() => 30),
      passes.map((y) => 3 * y),
    );
    expect(single.raw).toBeCloseTo(1, 0);
    expect(single.eta).toBe(1);
    expect(triple.raw / single.raw).toBeCloseTo(3, 9);
    expect(triple.eta).toBeCloseTo(1 / triple.raw, 12);
  });

  test("hours that are too small say nothing", () => {
    const result = dispersion([4, 3], [4, 0]);
    expect(result.raw).toBeNaN();
    expect(result.eta).toBe(1);
    expect(() => dispersion([1], [2])).toThrow(RangeError);
  });
});
