/**
 * Calibration of a judge by people's labels: how much of a true difference of passing rates its verdicts show, and whether a
 * difference may be corrected for it.
 */

/** Reasons against correcting a judge's figure by human labels; low-cardinality, safe to count. */
type UncalibratedReason =
  | "too_few_labels"
  | "too_few_human_passes"
  | "too_few_human_fails"
  | "judge_uninformative"
  | "judge_changed"
  | "labels_stale";

export const LABELS_MIN = 50;
const HUMAN_VERDICTS_MIN = 10;
export const LABEL_AGE_DAYS_MAX = 90;
/** A lower bound of Youden's J at or below this refuses. */
const INFORMATION_MIN = 0.2;

/** Φ⁻¹(0.95). */
const Z_95_ONE_SIDED = 1.6448536269514722;

/** The judge's verdicts against the humans' on a labelled set. */
export interface Confusion {
  /** tp: humans passed, and so did the judge. */
  readonly bothPass: number;
  /** m₁ >= 1: humans passed. */
  readonly humanPass: number;
  /** tn: humans failed, and so did the judge. */
  readonly bothFail: number;
  /** m₀ >= 1: humans failed. */
  readonly humanFail: number;
}

/** Youden's index with its standard error, from adjusted counts. */
interface YoudenIndex {
  /** J = se + sp − 1 in (−1, 1); 0: the verdict carries no information. */
  readonly youden: number;
  readonly se: number;
}

/** Facts about the labels of one (judge, rubric, use case). */
export interface LabelFacts {
  readonly labels: number;
  readonly humanPass: number;
  readonly humanFail: number;
  /** Age of the oldest label in use, in days. */
  readonly oldestLabelDays: number;
  /** Judge model, rubric and prompt hash agree between labelled and unlabelled rows. */
  readonly sameJudge: boolean;
  /** From `youdenLowerBound`. */
  readonly youdenLowerBound: number;
}

type CalibrationDecision =
  | { readonly kind: "calibrated" }
  | { readonly kind: "uncalibrated"; readonly reasons: readonly UncalibratedReason[] };

/**
 * Decides whether a corrected figure may be shown; otherwise the raw judge figure is shown, marked
 * "uncalibrated", with every reason, in the fixed order of `UncalibratedReason`.
 */
export function decideCalibration(facts: LabelFacts): CalibrationDecision {
  const refusals: readonly (readonly [boolean, UncalibratedReason])[] = [
    [facts.labels < LABELS_MIN, "too_few_labels"],
    [facts.humanPass < HUMAN_VERDICTS_MIN, "too_few_human_passes"],
    [facts.humanFail < HUMAN_VERDICTS_MIN, "too_few_human_fails"],
    [!(facts.youdenLowerBound > INFORMATION_MIN), "judge_uninformative"],
    [!facts.sameJudge, "judge_changed"],
    [facts.oldestLabelDays > LABEL_AGE_DAYS_MAX, "labels_stale"],
  ];
  const reasons = refusals.filter(([refused]) => refused).map(([, reason]) => reason);
  return reasons.length === 0 ? { kind: "calibrated" } : { kind: "uncalibrated", reasons };
}

/**
 * Youden's index of a judge: J = se + sp − 1, var(J) = se(1 − se)/m₁ + sp(1 − sp)/m₀, both with one success and one failure
 * added to each side.
 *
 * @throws RangeError when a count is out of range
 */
export function youdenIndex({ bothPass, humanPass, bothFail, humanFail }: Confusion): YoudenIndex {
  if (!(humanPass >= 1 && bothPass >= 0 && bothPass <= humanPass))
    throw new RangeError(`youdenIndex: ${bothPass} of ${humanPass} human passes`);
  if (!(humanFail >= 1 && bothFail >= 0 && bothFail <= humanFail))
    throw new RangeError(`youdenIndex: ${bothFail} of ${humanFail} human fails`);
  const [positives, negatives] = [humanPass + 2, humanFail + 2];
  const [se, sp] = [(bothPass + 1) / positives, (bothFail + 1) / negatives];
  return {
    youden: se + sp - 1,
    se: Math.sqrt((se * (1 - se)) / positives + (sp * (1 - sp)) / negatives),
  };
}

/** One-sided 95% lower bound of Youden's J: J − 1.645 se. */
export function youdenLowerBound({ youden, se }: YoudenIndex): number {
  return youden - Z_95_ONE_SIDED * se;
}

/**
 * The true drop behind a drop of judged passing rates, when only the old version has labels.
 *
 * drop / J, var = ( var(drop) + drop² var(J)/J² ) / J². Because J < 1 judge noise shrinks drops;
 * this undoes it. To be printed with "assumes the judge errs alike on both versions".
 *
 * @param drop old judged rate minus new judged rate, in score points
 * @param se its standard error
 * @throws RangeError when J <= 0 or the standard error is negative
 * @see Rogan & Gladen, American Journal of Epidemiology 107 (1978)
 */
export function correctedDrop(
  drop: number,
  se: number,
  judge: YoudenIndex,
): { estimate: number; se: number } {
  if (!(judge.youden > 0)) throw new RangeError(`correctedDrop: Youden index ${judge.youden}`);
  if (!(se >= 0)) throw new RangeError(`correctedDrop: standard error ${se}`);
  const variance = (se ** 2 + (drop * judge.se) ** 2 / judge.youden ** 2) / judge.youden ** 2;
  return { estimate: drop / judge.youden, se: Math.sqrt(variance) };
}
