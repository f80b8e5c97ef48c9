/** The effect of a shift of the inputs on quality: Kitagawa's decomposition over the slice that moved. Pure. */
import { groupBy } from "../units/series.ts";
import type { JudgedUnitRow } from "@plumbline/ports";
import type { InputDriftEvidence } from "@plumbline/schemas";
import { kitagawa, type KitagawaCell } from "@plumbline/stats";

/** Cells with fewer judged units have no mean to compare. */
const CELL_UNITS_MIN = 20;

type ShiftExplanation = NonNullable<InputDriftEvidence["explanation"]>;

/**
 * Explains the criterion with the most judged units, guardrails first. Null while a cell has fewer than 20 of them.
 *
 * @param before, after judged units of the reference and of the current window
 * @param shares share of all calls in the slice, in [0,1], before and after
 */
export function explainShift(
  slice: string,
  shares: { readonly before: number; readonly after: number },
  before: readonly JudgedUnitRow[],
  after: readonly JudgedUnitRow[],
): ShiftExplanation | null {
  const series = (row: JudgedUnitRow): string => JSON.stringify([row.criterion, row.rubric_hash, row.judge]);
  const groups = [...groupBy(after, series)].sort(
    ([, a], [, b]) => Number(b[0]!.is_guardrail) - Number(a[0]!.is_guardrail) || b.length - a.length,
  );
  const [key, now] = groups[0] ?? [];
  if (key === undefined || now === undefined) return null;
  const past = before.filter((row) => series(row) === key);
  const cells = [true, false].map((isInside) => {
    const scores = (rows: readonly JudgedUnitRow[]): number[] =>
      rows.filter((row) => row.slices.includes(slice) === isInside).map((row) => row.score);
    const [old, current] = [scores(past), scores(now)];
    if (old.length < CELL_UNITS_MIN || current.length < CELL_UNITS_MIN) return null;
    const [meanOld, seOldSquared] = meanOf(old);
    const [meanNew, seNewSquared] = meanOf(current);
    return {
      shareOld: isInside ? shares.before : 1 - shares.before,
      shareNew: isInside ? shares.after : 1 - shares.after,
      meanOld,
      meanNew,
      seOldSquared,
      seNewSquared,
    };
  });
  if (cells.includes(null)) return null;
  const { total, mix, within, seMix, seWithin, inputShift } = kitagawa(cells as KitagawaCell[]);
  return {
    criterion: now[0]!.criterion,
    mix: {
      total,
      mix,
      within,
      se_mix: seMix,
      se_within: seWithin,
      input_shift: inputShift,
      shifts: [{ name: slice, ...shares }],
    },
  };
}

/** Mean and its squared standard error. */
function meanOf(scores: readonly number[]): readonly [number, number] {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return [mean, squares / (scores.length - 1) / scores.length];
}
