/**
 * Calibrates the judge by people's labels, and puts a fall of judged quality on people's own scale.
 *
 * Sensitivity and specificity come from the labels of one judge, rubric and use case, of whatever version: labels of the
 * candidate itself are rare when it is accused. People label rather what the judge failed, so each label counts for the
 * judged calls that got the same verdict (Begg & Greenes, Biometrics 39 (1983)). A change of passing rates is divided by
 * Youden's J, since a noisy judge shrinks it.
 */
import type { JudgeLabels, QualitySeries } from "@plumbline/ports";
import { DAY_MS, type JudgeCalibration } from "@plumbline/schemas";
import {
  type Confusion,
  correctedDrop,
  decideCalibration,
  type Interval,
  LABEL_AGE_DAYS_MAX,
  LABELS_MIN,
  youdenIndex,
  youdenLowerBound,
} from "@plumbline/stats";
import { seriesKey } from "../units/series.ts";

/** Labels are used this far back, ms. */
export const LABELS_REACH_MS = LABEL_AGE_DAYS_MAX * DAY_MS;
/** Φ⁻¹(0.975). */
const Z_95 = 1.959963984540054;

/**
 * @param labels of the use case, any judge
 * @param effect candidate minus incumbent as judged, score points, with its standard error
 */
export function calibrateJudge(
  series: QualitySeries,
  labels: readonly JudgeLabels[],
  effect: { readonly estimate: number; readonly se: number },
  nowMs: number,
): JudgeCalibration {
  const own = labels.find((row) => seriesKey(row) === seriesKey(series));
  const others = labels.filter(
    (row) =>
      row !== own &&
      row.tenant === series.tenant &&
      row.env === series.env &&
      row.criterion === series.criterion,
  );
  const count = own === undefined ? 0 : labelCount(own);
  const confusion = own === undefined ? null : weightedConfusion(own);
  const youden = confusion === null ? null : youdenIndex(confusion);
  const oldestMs = own?.oldest_label_at == null ? nowMs : Date.parse(own.oldest_label_at);
  const decision = decideCalibration({
    labels: count,
    humanPass: own === undefined ? 0 : own.both_pass + own.judge_fail_human_pass,
    humanFail: own === undefined ? 0 : own.both_fail + own.judge_pass_human_fail,
    oldestLabelDays: (nowMs - oldestMs) / DAY_MS,
    sameJudge: count >= LABELS_MIN || others.every((row) => labelCount(row) === 0),
    youdenLowerBound: youden === null ? 0 : youdenLowerBound(youden),
  });
  const shared = {
    labels: count,
    labels_min: LABELS_MIN,
    kappa: confusion === null ? null : kappaOf(confusion),
  };
  if (decision.kind === "uncalibrated" || youden === null) {
    const reasons = decision.kind === "uncalibrated" ? decision.reasons : [];
    return { ...shared, state: "uncalibrated", reasons, youden: null, corrected: null };
  }
  const drop = correctedDrop(-effect.estimate, effect.se, youden);
  const interval: Interval = {
    lower: -drop.estimate - Z_95 * drop.se,
    upper: -drop.estimate + Z_95 * drop.se,
  };
  return {
    ...shared,
    state: "calibrated",
    reasons: [],
    youden: youden.youden,
    corrected:
      own!.partial_scores > 0
        ? null
        : { effect: clip(-drop.estimate), interval: [clip(interval.lower), clip(interval.upper)] },
  };
}

function labelCount(row: JudgeLabels): number {
  return row.both_pass + row.both_fail + row.judge_pass_human_fail + row.judge_fail_human_pass;
}

/**
 * Labels weighted to the mix of verdicts of all judged calls, as many in total as they are worth; null when a verdict or
 * a person's side has none.
 */
function weightedConfusion(row: JudgeLabels): Confusion | null {
  const passes = row.both_pass + row.judge_pass_human_fail;
  const fails = row.both_fail + row.judge_fail_human_pass;
  if (passes === 0 || fails === 0) return null;
  const passWeight = (row.unlabelled_pass + passes) / passes;
  const failWeight = (row.unlabelled_fail + fails) / fails;
  const total = passes * passWeight + fails * failWeight;
  // Kish: unequal weights make n labels worth fewer.
  const worth = total ** 2 / (passes * passWeight ** 2 + fails * failWeight ** 2);
  const [pass, fail] = [(passWeight * worth) / total, (failWeight * worth) / total];
  const bothPass = row.both_pass * pass;
  const bothFail = row.both_fail * fail;
  const humanPass = bothPass + row.judge_fail_human_pass * fail;
  const humanFail = bothFail + row.judge_pass_human_fail * pass;
  return humanPass >= 1 && humanFail >= 1 ? { bothPass, humanPass, bothFail, humanFail } : null;
}

/** (observed − chance agreement) / (1 − chance agreement); null when everything is a pass, or a fail, on both sides. */
function kappaOf({ bothPass, humanPass, bothFail, humanFail }: Confusion): number | null {
  const n = humanPass + humanFail;
  const judgePass = bothPass + humanFail - bothFail;
  const observed = (bothPass + bothFail) / n;
  const chance = (humanPass * judgePass + humanFail * (n - judgePass)) / n ** 2;
  return chance < 1 ? (observed - chance) / (1 - chance) : null;
}

/** A difference of two rates lies in [−1, 1]. */
function clip(value: number): number {
  return Math.min(1, Math.max(-1, value));
}
