/**
 * Corrections for many questions asked at once. Adjusted p-values keep the order of the input and may
 * be compared with any level; e-values need no assumption about dependence at all.
 */

function requireProbabilities(p: readonly number[], name: string): void {
  for (const value of p) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name}: p = ${value}, needs 0 <= p <= 1`);
  }
}

function ascending(values: readonly number[]): number[] {
  return values.map((_, i) => i).sort((i, j) => values[i]! - values[j]! || i - j);
}

/**
 * Holm adjusted p-values: max over j ≤ i of p₍ⱼ₎ (k − j + 1). Controls the probability of any false
 * rejection under any dependence.
 *
 * @see Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6 (1979)
 */
export function holm(p: readonly number[]): number[] {
  requireProbabilities(p, "holm");
  const adjusted = p.map(() => 1);
  let largest = 0;
  for (const [position, i] of ascending(p).entries()) {
    largest = Math.max(largest, p[i]! * (p.length - position));
    adjusted[i] = Math.min(1, largest);
  }
  return adjusted;
}

/**
 * e-BH: the indices, ascending, of the k* largest e-values, k* = max{ k : k · e₍ₖ₎ ≥ K/q }.
 *
 * False discovery rate ≤ q under arbitrary dependence and, for e-processes, at every stopping time.
 * Takes logarithms so that evidence beyond 1e308 does not overflow. Ties are broken by index.
 *
 * @param logE shape [K]: log e-values, nats; −Infinity allowed
 * @param q    false discovery rate, in (0, 1]; with 1/q = C the rule of e-BH on e-detectors
 * @see Wang & Ramdas, False discovery rate control with e-values, JRSS-B 84 (2022)
 */
export function eBenjaminiHochberg(logE: readonly number[], q: number): number[] {
  if (!(q > 0 && q <= 1)) throw new RangeError(`eBenjaminiHochberg: q = ${q}, needs 0 < q <= 1`);
  const order = logE.map((_, i) => i).sort((i, j) => (logE[i] === logE[j] ? i - j : logE[j]! - logE[i]!));
  const threshold = Math.log(logE.length / q);
  let rejected = 0;
  for (const [position, i] of order.entries()) {
    const k = position + 1;
    // The allowance keeps k · e = K/q, exact on paper, from being lost to the logarithm's last digit.
    if (Math.log(k) + logE[i]! >= threshold - 1e-12) rejected = k;
  }
  return order.slice(0, rejected).sort((i, j) => i - j);
}

/**
 * The calibrator that mixes κ p^(κ−1) over κ uniform in (0, 1): (1 − p + p log p)/(p log² p).
 *
 * Never far below the best κ; ½ at p = 1.
 *
 * @see Vovk & Wang, Annals of Statistics 49 (2021), equation (2)
 */
export function pToEMixture(p: number): number {
  requireProbabilities([p], "pToEMixture");
  if (p === 0) return Infinity;
  const log = Math.log(p);
  // (e^−t − 1 + t)/t² with t = log p; its series near p = 1, where both parts vanish.
  if (log > -1e-2) return 1 / 2 - log / 6 + log ** 2 / 24 - log ** 3 / 120 + log ** 4 / 720 - log ** 5 / 5040;
  return (Math.expm1(-log) + log) / (log * log);
}
