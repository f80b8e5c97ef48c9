/** Compares a window with its reference: whether the shift is material, its size, and the bins that moved. */
import {
  binomialCdf,
  jensenShannonDistance,
  psi,
  psiContributions,
  psiDebiased,
  psiRelevanceTest,
  psiScale,
  pToEMixture,
} from "@plumbline/stats";
import { sampleOf } from "./log-bins.ts";

export interface BinComparison {
  /** Smoothed PSI in nats, with its expectation under no drift taken off. */
  readonly psi: number;
  /** Interval of the debiased PSI at 95%, this window alone. */
  readonly interval: readonly [number, number];
  /** H0: the true PSI is at most tau. */
  readonly pValue: number;
  /** At most 1 on average under H0. */
  readonly eValue: number;
  /** Base 2, in [0,1]. */
  readonly jensenShannon: number;
  /** Indices of the two bins that contribute most. */
  readonly topBins: readonly number[];
  readonly tau: number;
}

/** Below this expected count in some bin, chi-square tails are not trusted alone. */
const EXPECTED_MIN = 5;
/** p-values below this are not told apart: no approximation of a tail is good further out. */
const P_MIN = 1e-15;

/**
 * Relevance test of a window against its reference, both as counts under the same frozen bins.
 *
 * p is that of `psiRelevanceTest`. Where a bin expects fewer than five rows the chi-square tail can be too light, so p
 * is the larger of it and an exact one: the smallest binomial tail over bins at the reference's smoothed shares, times
 * the number of tails. The larger of two p-values is valid whenever either is.
 *
 * e comes from the mixture of all calibrators κ p^(κ−1), which is ½ p^(−½)'s equal near p = 0.01 and keeps more of
 * stronger evidence: a few hundred rows a day decide days earlier.
 *
 * @param reference shape [B], may be fractional (reweighted to another mix)
 * @see Vovk & Wang, E-values: calibration, combination and applications, Annals of Statistics 49 (2021), equation (2)
 */
export function compareBins(
  reference: readonly number[],
  current: readonly number[],
  tau: number,
): BinComparison {
  const sample = sampleOf(reference, current);
  const observed = psi(reference, current);
  const relevance = psiRelevanceTest(observed, tau, sample);
  const isSparse = reference.some(
    (rows) => (rows * sample.currentRows) / sample.referenceRows < EXPECTED_MIN,
  );
  const p = isSparse ? Math.max(relevance, exactTail(reference, current)) : relevance;
  const pValue = Math.min(1, Math.max(P_MIN, p));
  const terms = psiContributions(reference, current);
  // sqrt(PSI/s) is about normal with sd 1 around sqrt(PSI_true/s).
  const scale = psiScale(sample);
  const debiased = psiDebiased(observed, sample);
  const bound = (z: number): number => Math.max(0, Math.sqrt(debiased) + z * Math.sqrt(scale)) ** 2;
  return {
    psi: debiased,
    interval: [bound(-1.96), bound(1.96)],
    pValue,
    eValue: pToEMixture(pValue),
    jensenShannon: jensenShannonDistance(reference, current),
    topBins: terms
      .map((_, i) => i)
      .sort((a, b) => terms[b]! - terms[a]!)
      .slice(0, 2),
    tau,
  };
}

/** Bonferroni over bins and directions of exact binomial tails at the reference's shares. */
function exactTail(reference: readonly number[], current: readonly number[]): number {
  const { referenceRows, currentRows, bins } = sampleOf(reference, current);
  const n = Math.round(currentRows);
  let smallest = 1;
  for (const [bin, rows] of reference.entries()) {
    const share = (rows + 1) / (referenceRows + 2);
    const count = Math.round(current[bin]!);
    // P(X ≥ count), as the lower tail of what did not fall in the bin: exact far out.
    const upper = binomialCdf(n - count, n, 1 - share);
    smallest = Math.min(smallest, upper, binomialCdf(count, n, share));
  }
  return Math.min(1, smallest * 2 * bins);
}
