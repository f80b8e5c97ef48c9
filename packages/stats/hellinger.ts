import { sameBins, shares } from "./shares.ts";

/**
 * Hellinger distance between two binned distributions.
 *
 * H = sqrt( ½ Σ (sqrt(p) − sqrt(q))² ), in [0, 1]: 0 for equal shares, 1 for disjoint ones.
 *
 * @param p shape [B]: counts or weights
 * @param q shape [B]
 * @throws RangeError when shapes differ, B < 2, or a window is empty
 *
 * @see Hellinger, J. reine angew. Math. 136 (1909)
 */
export function hellingerDistance(p: readonly number[], q: readonly number[]): number {
  sameBins(p, q);
  const left = shares(p);
  const right = shares(q);
  let sum = 0;
  for (let i = 0; i < left.length; i++) {
    sum += (Math.sqrt(left[i]!) - Math.sqrt(right[i]!)) ** 2;
  }
  return Math.sqrt(sum / 2);
}
