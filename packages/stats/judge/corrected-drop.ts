import type { YoudenIndex } from "./rogan-gladen.ts";

/**
 * The true drop behind a drop of judged passing rates, when only the old version has labels.
 *
 * drop / J, var = ( var(drop) + drop² var(J)/J² ) / J². Because J < 1 judge noise shrinks drops;
 * this undoes it. To be printed with "assumes the judge errs alike on both versions".
 *
 * @param drop old judged rate minus new judged rate, in score points
 * @param se its standard error
 * @param judge from `youdenIndex`
 * @throws RangeError when J <= 0 or the standard error is negative
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
