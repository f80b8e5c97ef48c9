import { sameBins, shares } from "./shares.ts";

/**
 * Jensen–Shannon distance between two binned distributions: the square root of the
 * divergence, which makes it a metric.
 *
 * JSD = ½ Σ p log(p/m) + ½ Σ q log(q/m),  m = (p + q)/2;  distance = sqrt(JSD).
 * In base 2 it lies in [0, 1]: 0 for equal shares, 1 for disjoint ones. Empty bins need no
 * smoothing. Under no drift the divergence in nats is about (B − 1) s / 8, not 0.
 *
 * @param p shape [B]: counts or weights
 * @param q shape [B]
 * @param base of the logarithm; 2 by default, `Math.E` for nats
 * @throws RangeError when shapes differ, B < 2, a window is empty, or base <= 1
 *
 * @see Endres & Schindelin, A new metric for probability distributions, IEEE TIT 49 (2003)
 */
export function jensenShannonDistance(p: readonly number[], q: readonly number[], base = 2): number {
  sameBins(p, q);
  if (!(base > 1)) throw new RangeError(`jensenShannonDistance: base ${base}`);
  const left = shares(p);
  const right = shares(q);
  let nats = 0;
  for (let i = 0; i < left.length; i++) {
    const a = left[i]!;
    const b = right[i]!;
    const middle = (a + b) / 2;
    if (a > 0) nats += (a * Math.log(a / middle)) / 2;
    if (b > 0) nats += (b * Math.log(b / middle)) / 2;
  }
  return Math.sqrt(Math.max(0, nats) / Math.log(base));
}
