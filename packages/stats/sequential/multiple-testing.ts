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

function stepUp(p: readonly number[], factor: number): number[] {
  const order = ascending(p);
  const adjusted = p.map(() => 1);
  let smallest = 1;
  for (let rank = p.length; rank >= 1; rank--) {
    const i = order[rank - 1]!;
    smallest = Math.min(smallest, (p[i]! * p.length * factor) / rank);
    adjusted[i] = smallest;
  }
  return adjusted;
}

/**
 * Benjamini–Hochberg adjusted p-values, shape [k] to [k]: min over j ≥ i of p₍ⱼ₎ k/j.
 *
 * Rejecting those ≤ q keeps the false discovery rate ≤ q for independent or positively dependent
 * tests. For tables in frozen reports; for sequential monitoring use `eBenjaminiHochberg`.
 *
 * @see Benjamini & Hochberg, Controlling the false discovery rate, JRSS-B 57 (1995)
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  requireProbabilities(p, "benjaminiHochberg");
  return stepUp(p, 1);
}

/**
 * Benjamini–Yekutieli adjusted p-values: as above times Σ 1/i, valid under any dependence.
 *
 * @see Benjamini & Yekutieli, The control of the false discovery rate in multiple testing under
 *   dependency, Annals of Statistics 29 (2001)
 */
export function benjaminiYekutieli(p: readonly number[]): number[] {
  requireProbabilities(p, "benjaminiYekutieli");
  let harmonic = 0;
  for (let i = 1; i <= p.length; i++) harmonic += 1 / i;
  return stepUp(p, harmonic);
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
 * An e-value from a p-value: e = ½ p^(−½). At most 1 on average when p is a valid p-value.
 *
 * Grows to infinity as p falls; p = 0.0025 gives 10. p = 0 gives Infinity.
 *
 * @see Vovk & Wang, E-values: calibration, combination and applications, Annals of Statistics 49 (2021)
 */
export function pToE(p: number): number {
  requireProbabilities([p], "pToE");
  return 0.5 / Math.sqrt(p);
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

/** State of LORD++ between two tests; start from `lordPlusPlusStart`. Plain JSON. */
interface LordState {
  /** Tests seen so far. */
  readonly tests: number;
  /** 1-based positions of the rejected tests, ascending. */
  readonly rejections: readonly number[];
}

export const lordPlusPlusStart: LordState = { tests: 0, rejections: [] };

/** γⱼ = 0.07720838 log(max(j, 2)) / (j exp(√log j)): the share of wealth spent j tests after a rejection. */
function spending(j: number): number {
  return (0.07720838 * Math.log(Math.max(j, 2))) / (j * Math.exp(Math.sqrt(Math.log(j))));
}

/**
 * LORD++: one more test in an endless stream of one-shot hypotheses (gates per pull request).
 *
 * αₜ = w₀ γₜ + (α − w₀) γ_{t−t₁} + α Σ_{i≥2} γ_{t−tᵢ}, with t₁, t₂, … the earlier rejections. False
 * discovery rate ≤ α at every time, for p-values that are independent under their nulls.
 *
 * @returns the level this test was held against, whether it was rejected, and the next state
 * @see Ramdas, Yang, Wainwright & Jordan, Online control of the false discovery rate with decaying
 *   memory, NeurIPS 2017
 */
export function lordPlusPlus(
  state: LordState,
  p: number,
  options: { readonly alpha?: number; readonly w0?: number } = {},
): { readonly level: number; readonly rejected: boolean; readonly state: LordState } {
  requireProbabilities([p], "lordPlusPlus");
  const { alpha = 0.05 } = options;
  const w0 = options.w0 ?? alpha / 10;
  if (!(alpha > 0 && alpha < 1 && w0 > 0 && w0 <= alpha)) {
    throw new RangeError(`lordPlusPlus: alpha = ${alpha}, w0 = ${w0}`);
  }
  const t = state.tests + 1;
  let level = w0 * spending(t);
  for (const [i, at] of state.rejections.entries()) {
    level += (i === 0 ? alpha - w0 : alpha) * spending(t - at);
  }
  const rejected = p <= level;
  return {
    level,
    rejected,
    state: { tests: t, rejections: rejected ? [...state.rejections, t] : state.rejections },
  };
}
