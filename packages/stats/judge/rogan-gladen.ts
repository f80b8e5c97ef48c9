/** Φ⁻¹(0.975). */
const Z_95 = 1.959963984540054;

/** How the judge's verdicts compare with the humans' on a labelled set. */
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

export interface RoganGladen {
  /** True passing rate; may leave [0, 1] when the calibration does not fit the traffic. */
  readonly estimate: number;
  /** 95% Lang–Reiczigel interval, clipped to [0, 1]. */
  readonly interval: readonly [number, number];
  /** Half the width of the interval before clipping. */
  readonly halfWidth: number;
  /** J = se + sp − 1 with adjusted counts, in (−1, 1); 0: the verdict carries no information. */
  readonly youden: number;
}

/**
 * True passing rate behind a judge of known sensitivity and specificity, which may come from
 * another period or version.
 *
 * p = (q + sp − 1)/(se + sp − 1), q = k/n the judged rate. The Lang–Reiczigel interval puts
 * k + z²/2 of n + z² for q and (tp + 1)/(m₁ + 2), (tn + 1)/(m₀ + 2) for se and sp, shifts the
 * centre by 2z² (p se(1 − se)/m₁ − (1 − p) sp(1 − sp)/m₀), and carries all three errors:
 * var = [ q(1 − q)/n + p² se(1 − se)/m₁ + (1 − p)² sp(1 − sp)/m₀ ] / J².
 *
 * @param judgePass k, units the judge passed
 * @param judged n >= 1, units judged
 * @throws RangeError when a count is out of range, or J is not above 0 (a judge no better than
 *   chance cannot be corrected for)
 *
 * @see Rogan & Gladen, American Journal of Epidemiology 107 (1978)
 * @see Lang & Reiczigel, Confidence limits for prevalence of disease adjusted for estimated
 *   sensitivity and specificity, Preventive Veterinary Medicine 113 (2014)
 * @see Lee et al., arXiv 2511.21140
 */
export function roganGladen(judgePass: number, judged: number, confusion: Confusion): RoganGladen {
  if (!(judged >= 1 && judgePass >= 0 && judgePass <= judged)) {
    throw new RangeError(`roganGladen: ${judgePass} of ${judged} passed`);
  }
  checkConfusion(confusion);
  const sensitivity = confusion.bothPass / confusion.humanPass;
  const specificity = confusion.bothFail / confusion.humanFail;
  const plain = sensitivity + specificity - 1;
  const { se, sp, sePositives, spNegatives, youden } = adjusted(confusion);
  if (!(plain > 0 && youden > 0)) throw new RangeError(`roganGladen: Youden index ${plain}`);

  const z2 = Z_95 ** 2;
  const n = judged + z2;
  const q = (judgePass + z2 / 2) / n;
  const p = (q + sp - 1) / youden;
  const seVariance = (se * (1 - se)) / sePositives;
  const spVariance = (sp * (1 - sp)) / spNegatives;
  const shift = 2 * z2 * (p * seVariance - (1 - p) * spVariance);
  const variance = ((q * (1 - q)) / n + p * p * seVariance + (1 - p) ** 2 * spVariance) / youden ** 2;
  const halfWidth = Z_95 * Math.sqrt(variance);
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  return {
    estimate: (judgePass / judged + specificity - 1) / plain,
    interval: [clip(p + shift - halfWidth), clip(p + shift + halfWidth)],
    halfWidth,
    youden,
  };
}

/** Youden's index with its standard error, from adjusted counts. */
export interface YoudenIndex {
  /** J = se + sp − 1 in (−1, 1). */
  readonly youden: number;
  readonly se: number;
}

/**
 * Youden's index of a judge: how much of a true difference of passing rates its verdicts show.
 *
 * J = se + sp − 1, var(J) = se(1 − se)/m₁ + sp(1 − sp)/m₀, both with one success and one
 * failure added to each side.
 *
 * @throws RangeError when a count is out of range
 */
export function youdenIndex(confusion: Confusion): YoudenIndex {
  checkConfusion(confusion);
  const { se, sp, sePositives, spNegatives, youden } = adjusted(confusion);
  return { youden, se: Math.sqrt((se * (1 - se)) / sePositives + (sp * (1 - sp)) / spNegatives) };
}

function adjusted({ bothPass, humanPass, bothFail, humanFail }: Confusion) {
  const sePositives = humanPass + 2;
  const spNegatives = humanFail + 2;
  const se = (bothPass + 1) / sePositives;
  const sp = (bothFail + 1) / spNegatives;
  return { se, sp, sePositives, spNegatives, youden: se + sp - 1 };
}

function checkConfusion({ bothPass, humanPass, bothFail, humanFail }: Confusion): void {
  if (!(humanPass >= 1 && bothPass >= 0 && bothPass <= humanPass)) {
    throw new RangeError(`roganGladen: ${bothPass} of ${humanPass} human passes`);
  }
  if (!(humanFail >= 1 && bothFail >= 0 && bothFail <= humanFail)) {
    throw new RangeError(`roganGladen: ${bothFail} of ${humanFail} human fails`);
  }
}
