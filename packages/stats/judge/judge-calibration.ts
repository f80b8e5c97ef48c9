import type { RoganGladen, YoudenIndex } from "./rogan-gladen.ts";

/** Why a judge's figure may not be corrected by human labels; low-cardinality, safe to count. */
type UncalibratedReason =
  | "too_few_labels"
  | "too_few_human_passes"
  | "too_few_human_fails"
  | "judge_uninformative"
  | "labels_hand_picked"
  | "judge_changed"
  | "labels_stale"
  | "judge_drift_alarmed"
  | "too_few_slice_labels"
  | "inconsistent_calibration";

export const LABELS_MIN = 50;
const HUMAN_VERDICTS_MIN = 10;
const SLICE_LABELS_MIN = 30;
export const LABEL_AGE_DAYS_MAX = 90;
/** A lower bound of the judge's information at or below this refuses. */
const INFORMATION_MIN = 0.2;

/** Φ⁻¹(0.95). */
const Z_95_ONE_SIDED = 1.6448536269514722;

/** What is known about the labels of one (judge, rubric, use case). */
export interface JudgeCalibration {
  readonly labels: number;
  /** Age of the oldest label in use, in days. */
  readonly oldestLabelDays: number;
  /** The labelled rows were drawn by a rule that was recorded with its probabilities. */
  readonly drawnByRule: boolean;
  /** Judge model, rubric and prompt hash agree between labelled and unlabelled rows. */
  readonly sameJudge: boolean;
  /** The anchor detector of this judge has alarmed since the labels were taken. */
  readonly driftAlarmed: boolean;
  /**
   * One-sided 95% lower bound of the judge's information: of Youden's J for verdicts
   * (`youdenLowerBound`), of corr(human, judge) for scores (`correlationLowerBound`).
   */
  readonly informationLowerBound: number;
  /** Present for a correction of one slice: labels inside it. */
  readonly sliceLabels?: number;
  /** Present when Rogan–Gladen is to be used. */
  readonly roganGladen?: {
    readonly humanPass: number;
    readonly humanFail: number;
    /** The result, once there is one. */
    readonly result?: Pick<RoganGladen, "estimate" | "halfWidth">;
  };
}

type CalibrationDecision =
  | { readonly kind: "calibrated" }
  | { readonly kind: "uncalibrated"; readonly reasons: readonly UncalibratedReason[] };

/**
 * Whether a corrected figure may be shown; otherwise the raw judge figure is shown, marked
 * "uncalibrated", with every reason, in the fixed order of `UncalibratedReason`.
 */
export function decideCalibration(facts: JudgeCalibration): CalibrationDecision {
  const { roganGladen, sliceLabels } = facts;
  const result = roganGladen?.result;
  const refusals: readonly (readonly [boolean, UncalibratedReason])[] = [
    [facts.labels < LABELS_MIN, "too_few_labels"],
    [roganGladen !== undefined && roganGladen.humanPass < HUMAN_VERDICTS_MIN, "too_few_human_passes"],
    [roganGladen !== undefined && roganGladen.humanFail < HUMAN_VERDICTS_MIN, "too_few_human_fails"],
    [!(facts.informationLowerBound > INFORMATION_MIN), "judge_uninformative"],
    [!facts.drawnByRule, "labels_hand_picked"],
    [!facts.sameJudge, "judge_changed"],
    [facts.oldestLabelDays > LABEL_AGE_DAYS_MAX, "labels_stale"],
    [facts.driftAlarmed, "judge_drift_alarmed"],
    [sliceLabels !== undefined && sliceLabels < SLICE_LABELS_MIN, "too_few_slice_labels"],
    [result !== undefined && leavesUnitInterval(result), "inconsistent_calibration"],
  ];
  const reasons = refusals.filter(([refused]) => refused).map(([, reason]) => reason);
  return reasons.length === 0 ? { kind: "calibrated" } : { kind: "uncalibrated", reasons };
}

/** The estimate misses [0, 1] by more than its half-width: labels and traffic contradict. */
function leavesUnitInterval({ estimate, halfWidth }: Pick<RoganGladen, "estimate" | "halfWidth">): boolean {
  return estimate < -halfWidth || estimate > 1 + halfWidth;
}

/** One-sided 95% lower bound of Youden's J: J − 1.645 se. */
export function youdenLowerBound({ youden, se }: YoudenIndex): number {
  return youden - Z_95_ONE_SIDED * se;
}

/**
 * One-sided 95% lower bound of a correlation by Fisher's z: tanh( atanh r − 1.645/sqrt(n − 3) ).
 *
 * @param correlation Pearson's r in [−1, 1] between human and judge scores
 * @param labels n >= 4
 * @throws RangeError when r or n is outside its range
 *
 * @see Fisher, On the probable error of a coefficient of correlation, Metron 1 (1921)
 */
export function correlationLowerBound(correlation: number, labels: number): number {
  if (!(Math.abs(correlation) <= 1)) throw new RangeError(`correlationLowerBound: r = ${correlation}`);
  if (!(labels >= 4)) throw new RangeError(`correlationLowerBound: ${labels} labels`);
  return Math.tanh(Math.atanh(correlation) - Z_95_ONE_SIDED / Math.sqrt(labels - 3));
}
