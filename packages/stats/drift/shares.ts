/**
 * Shares of a vector of counts, optionally after adding the same pseudo-count to every bin.
 *
 * p_b = (c_b + a) / (n + a·B). With a > 0 no share is 0 and the shares still sum to 1.
 *
 * @param counts shape [B], B >= 2: non-negative, not all zero; weights are allowed
 * @param pseudoCount a >= 0, in rows
 * @throws RangeError when B < 2, a count is negative or not finite, or the window is empty
 */
export function shares(counts: readonly number[], pseudoCount = 0): number[] {
  if (counts.length < 2) throw new RangeError(`shares: ${counts.length} bins, at least 2 needed`);
  if (!(pseudoCount >= 0)) throw new RangeError(`shares: pseudo-count ${pseudoCount} is negative`);
  let rows = 0;
  for (const count of counts) {
    if (!(count >= 0) || count === Infinity) throw new RangeError(`shares: count ${count}`);
    rows += count;
  }
  if (rows === 0) throw new RangeError("shares: the window is empty");
  const total = rows + pseudoCount * counts.length;
  return counts.map((count) => (count + pseudoCount) / total);
}

/** @throws RangeError unless both windows are cut into the same number of bins */
export function sameBins(reference: readonly number[], current: readonly number[]): void {
  if (reference.length !== current.length) {
    throw new RangeError(`shares: ${reference.length} reference bins, ${current.length} current bins`);
  }
}
