import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  correctedDrop,
  decideCalibration,
  type LabelFacts,
  youdenIndex,
  youdenLowerBound,
} from "./judge-calibration.ts";
import { kitagawa } from "../slices/kitagawa.ts";

describe("the correction by Youden's index", () => {
  const confusion = { bothPass: 90, humanPass: 100, bothFail: 80, humanFail: 100 };

  test("counts must fit", () => {
    expect(() => youdenIndex({ ...confusion, bothPass: 101 })).toThrow(RangeError);
    expect(() => youdenIndex({ ...confusion, humanFail: 0 })).toThrow(RangeError);
  });

  test("a judged drop of 7 points at J = 0.7 was a drop of 10", () => {
    expect(correctedDrop(0.07, 0.014, { youden: 0.7, se: 0 })).toEqual({
      estimate: expect.closeTo(0.1, 12),
      se: expect.closeTo(0.02, 12),
    });
    const { youden, se } = youdenIndex(confusion);
    // (91/102 + 81/102) − 1.
    expect(youden).toBeCloseTo(70 / 102, 12);
    expect(correctedDrop(0.07, 0.014, { youden, se }).se).toBeGreaterThan(0.014 / youden);
    expect(() => correctedDrop(0.1, 0.1, { youden: 0, se: 0 })).toThrow(RangeError);
  });
});

describe("calibration is refused, with every reason", () => {
  const sound: LabelFacts = {
    labels: 60,
    humanPass: 45,
    humanFail: 15,
    oldestLabelDays: 30,
    sameJudge: true,
    youdenLowerBound: 0.5,
  };

  test("sound labels are used", () => {
    expect(decideCalibration(sound)).toEqual({ kind: "calibrated" });
  });

  test.each([
    { change: { labels: 49 }, reason: "too_few_labels" },
    { change: { humanPass: 9 }, reason: "too_few_human_passes" },
    { change: { humanFail: 9 }, reason: "too_few_human_fails" },
    { change: { youdenLowerBound: 0.2 }, reason: "judge_uninformative" },
    { change: { youdenLowerBound: NaN }, reason: "judge_uninformative" },
    { change: { sameJudge: false }, reason: "judge_changed" },
    { change: { oldestLabelDays: 91 }, reason: "labels_stale" },
  ] as const)("$reason", ({ change, reason }) => {
    expect(decideCalibration({ ...sound, ...change })).toEqual({ kind: "uncalibrated", reasons: [reason] });
  });

  test("several reasons keep their order; limits themselves pass", () => {
    expect(decideCalibration({ ...sound, labels: 3, sameJudge: false })).toEqual({
      kind: "uncalibrated",
      reasons: ["too_few_labels", "judge_changed"],
    });
    expect(decideCalibration({ ...sound, labels: 50, oldestLabelDays: 90 }).kind).toBe("calibrated");
  });

  test("the lower bound of Youden's index", () => {
    expect(youdenLowerBound({ youden: 0.6, se: 0.1 })).toBeCloseTo(0.4355, 4);
  });
});

describe("Kitagawa decomposition", () => {
  const cell = fc.record({
    a: fc.integer({ min: 1, max: 100 }),
    b: fc.integer({ min: 1, max: 100 }),
    meanOld: fc.double({ min: 0, max: 1, noNaN: true }),
    meanNew: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test("sums exactly, cell by cell, and changes sign when versions are exchanged", () => {
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 8 }), (cells) => {
        const oldTotal = cells.reduce((sum, { a }) => sum + a, 0);
        const newTotal = cells.reduce((sum, { b }) => sum + b, 0);
        const shares = cells.map(({ a, b, ...means }) => ({
          ...means,
          shareOld: a / oldTotal,
          shareNew: b / newTotal,
        }));
        const result = kitagawa(shares);
        const before = shares.reduce((sum, c) => sum + c.shareOld * c.meanOld, 0);
        const after = shares.reduce((sum, c) => sum + c.shareNew * c.meanNew, 0);
        expect(result.total).toBeCloseTo(after - before, 12);
        expect(result.mix + result.within).toBe(result.total);
        expect(result.cells.reduce((sum, c) => sum + c.within, 0)).toBeCloseTo(result.within, 12);
        expect(result.cells.reduce((sum, c) => sum + c.mix, 0)).toBeCloseTo(result.mix, 12);
        const exchanged = kitagawa(
          shares.map((c) => ({
            shareOld: c.shareNew,
            shareNew: c.shareOld,
            meanOld: c.meanNew,
            meanNew: c.meanOld,
          })),
        );
        expect(exchanged.total).toBeCloseTo(-result.total, 12);
      }),
    );
  });

  test("Simpson: each cell as good as before, yet the mean falls by the mix alone", () => {
    const result = kitagawa([
      { shareOld: 0.8, shareNew: 0.5, meanOld: 0.95, meanNew: 0.95, seOldSquared: 1e-4, seNewSquared: 1e-4 },
      { shareOld: 0.2, shareNew: 0.5, meanOld: 0.6, meanNew: 0.6 },
    ]);
    expect(result).toMatchObject({ within: 0, inputShift: true });
    expect(result.mix).toBeCloseTo(-0.105, 12);
    // 0.3² · 2e−4/4 and 0.65² · 2e−4.
    expect(result.seMix).toBeCloseTo(Math.sqrt(0.09 * 0.5e-4), 12);
    expect(result.seWithin).toBeCloseTo(Math.sqrt(0.4225 * 2e-4), 12);
    expect(() => kitagawa([{ shareOld: 0.5, shareNew: 1, meanOld: 1, meanNew: 1 }])).toThrow(RangeError);
  });
});
