import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import { falseHitCurve, type ScoredPair, THRESHOLDS } from "./false-hit-curve.ts";

const pairs = (count: number, similarity: number, isSame: boolean): ScoredPair[] =>
  Array.from({ length: count }, () => ({ similarity, isSame }));

test("counts hits and false hits at each threshold, with their exact interval", () => {
  const { curve } = falseHitCurve(
    [...pairs(50, 0.95, true), ...pairs(1, 0.95, false), ...pairs(50, 0.8, true)],
    0.01,
  );
  expect(curve.map(({ threshold }) => threshold)).toEqual(THRESHOLDS);
  const at = (threshold: number) => curve.find((point) => point.threshold === threshold);
  expect(at(0.95)).toMatchObject({ hits: 51, false_hits: 1, found_share: 0.5 });
  // 1 − 0.975^(1/51), and the p at which one or none of 51 has a chance of 2.5%, found by halving.
  expect(at(0.95)?.interval.lower).toBeCloseTo(0.000_496_3, 6);
  expect(at(0.95)?.interval.upper).toBeCloseTo(0.104_474_9, 6);
  expect(at(0.8)).toMatchObject({ hits: 101, false_hits: 1, found_share: 1 });
  expect(at(1)).toMatchObject({ hits: 0, false_hits: 0, interval: { lower: 0, upper: 1 }, found_share: 0 });
});

test("under 1% can be shown from 368 hits without a false one on", () => {
  expect(falseHitCurve(pairs(367, 0.97, true), 0.01)).toMatchObject({
    threshold: null,
    hits_needed: 368,
    why_not: "too_few_hits",
  });
  expect(falseHitCurve(pairs(368, 0.97, true), 0.01)).toMatchObject({ threshold: 0.7, why_not: null });
  expect(falseHitCurve(pairs(368, 0.97, true), 0.05)).toMatchObject({ hits_needed: 72 });
});

test("the first threshold that fails ends it, also when a lower one would pass", () => {
  const good = [...pairs(400, 0.95, true), ...pairs(30, 0.85, false)];
  expect(falseHitCurve(good, 0.01)).toMatchObject({ threshold: 0.86, why_not: null });
  // 10 false ones among the nearest are diluted further down, and are still there.
  const diluted = [...pairs(400, 0.95, true), ...pairs(10, 0.95, false), ...pairs(20_000, 0.75, true)];
  expect(falseHitCurve(diluted, 0.01)).toMatchObject({ threshold: null, why_not: "too_many_false_hits" });
});

test("equal vectors are hits at 1, whatever 32 bits make of them", () => {
  expect(falseHitCurve(pairs(368, 1 - 1e-7, true), 0.01).curve.at(-1)).toMatchObject({
    threshold: 1,
    hits: 368,
  });
});

test("where the share of false hits is exactly what is not accepted, at most one run in twenty names a threshold", () => {
  let named = 0;
  const runs = 400;
  for (let run = 0; run < runs; run++) {
    const random = createRandom(run);
    // False hits are as frequent at every similarity: each threshold is a chance to be wrong.
    const drawn = Array.from({ length: 1_500 }, () => ({
      similarity: 0.7 + 0.3 * random.uniform(),
      isSame: random.uniform() >= 0.01,
    }));
    if (falseHitCurve(drawn, 0.01).threshold !== null) named++;
  }
  expect(named / runs).toBeLessThanOrEqual(0.05);
});
