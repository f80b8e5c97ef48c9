import type { JudgeLabels } from "@plumbline/ports";
import { expect, test } from "vitest";
import { calibrateJudge } from "./calibrate-judge.ts";

const SERIES = {
  tenant: "default",
  env: "production",
  use_case: "ticket-summary",
  criterion: "faithfulness",
  rubric_hash: "sha256:r",
  judge: "judge-a",
};
const NOW = Date.parse("2026-03-05T00:00:00Z");
const EFFECT = { estimate: -0.16, se: 0.02 };

function labels(changes: Partial<JudgeLabels> = {}): JudgeLabels {
  return {
    ...SERIES,
    unlabelled_pass: 0,
    unlabelled_fail: 0,
    both_pass: 54,
    both_fail: 54,
    judge_pass_human_fail: 6,
    judge_fail_human_pass: 6,
    partial_scores: 0,
    oldest_label_at: "2026-02-20T00:00:00Z",
    ...changes,
  };
}

test("a fall is as much larger for people as the judge errs", () => {
  // 120 labels, nine of ten right on each side: sensitivity and specificity (54 + 1)/(60 + 2), J = 0.774, κ = 0.8.
  const found = calibrateJudge(SERIES, [labels()], EFFECT, NOW);
  expect(found).toMatchObject({ state: "calibrated", labels: 120, reasons: [] });
  expect(found.kappa).toBeCloseTo(0.8, 12);
  expect(found.youden).toBeCloseTo(110 / 62 - 1, 12);
  expect(found.corrected!.effect).toBeCloseTo(-0.16 / (110 / 62 - 1), 12);
  const [lower, upper] = found.corrected!.interval;
  expect(lower).toBeLessThan(-0.24);
  expect(upper).toBeGreaterThan(-0.17);
});

test("labels taken mostly from fails stand for their verdict's calls, not for all", () => {
  // 1,000 judged, 900 passed; people saw 50 of each, and the judge was right in 49 of the passes and 40 of the fails.
  const row = labels({
    unlabelled_pass: 850,
    unlabelled_fail: 50,
    both_pass: 49,
    judge_pass_human_fail: 1,
    both_fail: 40,
    judge_fail_human_pass: 10,
  });
  const found = calibrateJudge(SERIES, [row], EFFECT, NOW);
  // Of all calls people would fail 18 + 80 and pass 882 + 20: κ of that table, not of the 50 and 50.
  const chance = (0.902 * 0.9 + 0.098 * 0.1) / 1;
  expect(found.kappa).toBeCloseTo((0.962 - chance) / (1 - chance), 12);
});

test("refuses with the reason, and says how many labels there are", () => {
  const few = labels({ both_pass: 10, both_fail: 0, judge_pass_human_fail: 1, judge_fail_human_pass: 1 });
  expect(calibrateJudge(SERIES, [few], EFFECT, NOW)).toMatchObject({
    state: "uncalibrated",
    labels: 12,
    labels_min: 50,
    corrected: null,
  });
  expect(calibrateJudge(SERIES, [few], EFFECT, NOW).reasons).toContain("too_few_labels");
  expect(calibrateJudge(SERIES, [], EFFECT, NOW)).toMatchObject({ labels: 0, kappa: null });
  const other = labels({ judge: "judge-b" });
  expect(calibrateJudge(SERIES, [other], EFFECT, NOW).reasons).toContain("judge_changed");
  const blind = labels({
    both_pass: 30,
    both_fail: 30,
    judge_pass_human_fail: 30,
    judge_fail_human_pass: 30,
  });
  expect(calibrateJudge(SERIES, [blind], EFFECT, NOW).reasons).toEqual(["judge_uninformative"]);
  const old = labels({ oldest_label_at: "2025-11-01T00:00:00Z" });
  expect(calibrateJudge(SERIES, [old], EFFECT, NOW).reasons).toEqual(["labels_stale"]);
});

test("scores between 0 and 1 are no passing rates: the judge is calibrated, the fall is left as judged", () => {
  const found = calibrateJudge(SERIES, [labels({ partial_scores: 3 })], EFFECT, NOW);
  expect(found).toMatchObject({ state: "calibrated", corrected: null });
});
