import { chiSquareSf } from "./special.ts";

/** Pearson's statistic of an r × c table. */
export interface ChiSquare {
  readonly statistic: number;
  /** (r − 1)(c − 1) over rows and columns that are not empty. */
  readonly degreesOfFreedom: number;
  readonly pValue: number;
  /** Sum of the table. */
  readonly rows: number;
}

/**
 * Pearson's chi-square test that several windows share one distribution over bins.
 *
 * X² = Σ (observed − expected)² / expected, expected = row sum · column sum / total; no Yates
 * correction. Bins empty in every window are left out. For the p-value to hold, expected
 * counts should be at least about 5; rows must be independent (else see `raoScott`).
 *
 * @param table shape [r, c], r >= 2, c >= 2: counts, one line per window, one column per bin
 * @throws RangeError when the table is ragged, too small, has negative counts or an empty window
 *
 * @see Pearson, Philosophical Magazine 50 (1900)
 */
export function chiSquareHomogeneity(table: readonly (readonly number[])[]): ChiSquare {
  const bins = table[0]?.length ?? 0;
  if (table.length < 2 || bins < 2) throw new RangeError(`chiSquareHomogeneity: ${table.length} × ${bins}`);
  const columns = Array.from({ length: bins }, () => 0);
  const lines: number[] = [];
  for (const line of table) {
    if (line.length !== bins) throw new RangeError("chiSquareHomogeneity: the table is ragged");
    let sum = 0;
    for (let b = 0; b < bins; b++) {
      const count = line[b]!;
      if (!(count >= 0) || count === Infinity) throw new RangeError(`chiSquareHomogeneity: count ${count}`);
      columns[b]! += count;
      sum += count;
    }
    if (sum === 0) throw new RangeError("chiSquareHomogeneity: a window is empty");
    lines.push(sum);
  }
  const rows = lines.reduce((sum, line) => sum + line, 0);

  let statistic = 0;
  for (let w = 0; w < table.length; w++) {
    for (let b = 0; b < bins; b++) {
      if (columns[b] === 0) continue;
      const expected = (lines[w]! * columns[b]!) / rows;
      statistic += (table[w]![b]! - expected) ** 2 / expected;
    }
  }
  const binsUsed = columns.filter((sum) => sum > 0).length;
  const degreesOfFreedom = (table.length - 1) * (binsUsed - 1);
  const pValue = degreesOfFreedom === 0 ? 1 : chiSquareSf(statistic, degreesOfFreedom);
  return { statistic, degreesOfFreedom, pValue, rows };
}
