import { chiSquareHomogeneity } from "./chi-square-homogeneity.ts";

/**
 * Cramér's V: the size of the association in an r × c table.
 *
 * V = sqrt( X² / (n · min(r − 1, c − 1)) ), in [0, 1]; empty columns do not count. Not
 * bias-corrected: under no association V² is about (larger dimension − 1)/n.
 *
 * @param table shape [r, c], as for `chiSquareHomogeneity`
 * @throws RangeError as `chiSquareHomogeneity`
 *
 * @see Cramér, Mathematical Methods of Statistics (1946), §21.9
 */
export function cramersV(table: readonly (readonly number[])[]): number {
  const { statistic, degreesOfFreedom, rows } = chiSquareHomogeneity(table);
  if (degreesOfFreedom === 0) return 0;
  const windows = table.length - 1;
  return Math.sqrt(statistic / (rows * Math.min(windows, degreesOfFreedom / windows)));
}
