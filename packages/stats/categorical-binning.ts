/**
 * Bins of a categorical feature, frozen from a reference window; plain JSON.
 *
 * Order of the bins: the top categories, then "other" (seen in the reference, not in the top),
 * then "unseen" (never seen in the reference).
 */
export interface CategoricalBinning {
  readonly kind: "categorical";
  /** At most 20 categories by count, ties by code-unit order. */
  readonly top: readonly string[];
  /** Every other category of the reference. */
  readonly other: readonly string[];
}

const TOP_MAX = 20;

/**
 * Freezes the 20 most frequent categories of a reference window.
 *
 * @param reference rows by category; the caller bounds how many categories it holds. Encode a
 *   missing value as a category of its own.
 * @throws RangeError when no category has a row or a count is negative
 */
export function freezeCategoricalBinning(reference: ReadonlyMap<string, number>): CategoricalBinning {
  const present = [...reference].filter(([category, count]) => {
    if (!(count >= 0)) throw new RangeError(`freezeCategoricalBinning: ${count} rows of ${category}`);
    return count > 0;
  });
  if (present.length === 0) throw new RangeError("freezeCategoricalBinning: the window is empty");
  const ordered = present.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([category]) => category);
  return { kind: "categorical", top: ordered.slice(0, TOP_MAX), other: ordered.slice(TOP_MAX) };
}

/**
 * Counts a window under frozen bins.
 *
 * @param window rows by category
 * @returns shape [top + 2]: the top categories, other, unseen; sums to the rows of the window
 */
export function countCategoricalBins(
  { top, other }: CategoricalBinning,
  window: ReadonlyMap<string, number>,
): number[] {
  const bins = new Map<string, number>();
  top.forEach((category, bin) => bins.set(category, bin));
  for (const category of other) bins.set(category, top.length);
  const counts = Array.from({ length: top.length + 2 }, () => 0);
  for (const [category, count] of window) counts[bins.get(category) ?? top.length + 1]! += count;
  return counts;
}
