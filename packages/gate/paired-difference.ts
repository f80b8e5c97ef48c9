import { betaQuantile, binomialCdf } from "@plumbline/stats";

/** How the limits of a paired difference were computed. */
type PairedMethod = "exact_pairs" | "betting";

export interface PairedDifference {
  /** Paired cases. */
  readonly n: number;
  /** Mean of candidate − incumbent, score points in [−1, 1]; negative means worse. */
  readonly difference: number;
  /** One-sided limits, each at level 1 − alpha; together an interval of level 1 − 2·alpha. */
  readonly lower: number;
  readonly upper: number;
  /** Pairs of which the candidate's score is lower, and higher. */
  readonly losses: number;
  readonly wins: number;
  /** One-sided p-value of "not worse", in [0, 1]. */
  readonly p_worse: number;
  readonly method: PairedMethod;
}

/** Share of alpha spent on how often pairs differ; the rest on which way they differ. */
const RATE_SHARE = 0.2;
/** Bets of the betting test, as fractions of the largest safe one. */
const BETS: readonly number[] = [0.8, 0.4, 0.2, 0.1, 0.05];
const BISECTIONS = 40;

/**
 * Mean difference of scores of the same cases under two versions, with limits that hold at any n ≥ 1.
 *
 * **exact_pairs**, when every score is 0 or 1 (all differences −1, 0 or 1): the pairs that differ are
 * Binomial(n, q), and of them the losses Binomial(m, θ). Clopper–Pearson limits for both, alpha split
 * 1 : 4, give limits for q·(1 − 2θ). The p-value is the exact McNemar test. Chosen over a normal or
 * bootstrap interval because eval sets are small and most pairs agree: with no pair differing those
 * would claim certainty, this one says ±q.
 *
 * **betting**, for fractional scores: a limit is where the mixture of betting martingales against it
 * reaches 1/alpha. Assumes no distribution but scores in [0, 1]; wider than exact_pairs.
 *
 * Cases are taken as a sample of the traffic that the set stands for, independent of each other.
 *
 * @param differences shape [n], n ≥ 1, candidate − incumbent, each in [−1, 1]; order does not matter
 * @see Clopper & Pearson, Biometrika 26 (1934); McNemar, Psychometrika 12 (1947)
 * @see Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, JRSS-B 86 (2024)
 */
export function pairedDifference(differences: readonly number[], alpha: number): PairedDifference {
  const n = differences.length;
  if (n === 0 || !differences.every((d) => d >= -1 && d <= 1)) {
    throw new RangeError(`pairedDifference: ${n} differences, needs n >= 1 within [-1, 1]`);
  }
  if (!(alpha > 0 && alpha < 0.5)) throw new RangeError(`pairedDifference: alpha = ${alpha}`);
  const losses = differences.filter((d) => d < 0).length;
  const wins = differences.filter((d) => d > 0).length;
  const difference = differences.reduce((sum, d) => sum + d, 0) / n;
  if (differences.every((d) => d === -1 || d === 0 || d === 1)) {
    return {
      n,
      difference,
      lower: -exactUpper(n, wins, losses, alpha),
      upper: exactUpper(n, losses, wins, alpha),
      losses,
      wins,
      p_worse: losses + wins === 0 ? 1 : 1 - binomialCdf(losses - 1, losses + wins, 0.5),
      method: "exact_pairs",
    };
  }
  return {
    n,
    difference,
    lower: -bettingUpper(
      differences.map((d) => -d),
      alpha,
    ),
    upper: bettingUpper(differences, alpha),
    losses,
    wins,
    p_worse: Math.min(1, Math.exp(-logEvidenceBelow(differences, 0))),
    method: "betting",
  };
}

/** Upper limit of (wins − losses)/n in the population, given the counts. */
export function exactUpper(n: number, losses: number, wins: number, alpha: number): number {
  const m = losses + wins;
  const rateAlpha = alpha * RATE_SHARE;
  const rateLow = m === 0 ? 0 : betaQuantile(rateAlpha, m, n - m + 1);
  const rateHigh = m === n ? 1 : betaQuantile(1 - rateAlpha, m + 1, n - m);
  const lossLow = losses === 0 ? 0 : betaQuantile(alpha - rateAlpha, losses, m - losses + 1);
  const direction = 1 - 2 * lossLow;
  return direction * (direction > 0 ? rateHigh : rateLow);
}

/** Smallest mean that the differences speak against: everything above is refused at level alpha. */
function bettingUpper(differences: readonly number[], alpha: number): number {
  const needed = -Math.log(alpha);
  let refused = 1;
  let kept = differences.reduce((sum, d) => sum + d, 0) / differences.length;
  if (kept >= 1 || logEvidenceBelow(differences, 1 - 1e-9) < needed) return 1;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (kept + refused) / 2;
    if (logEvidenceBelow(differences, middle) >= needed) refused = middle;
    else kept = middle;
  }
  return refused;
}

/** Log evidence, nats, that the mean is below m: mixture over bets of ∏ (1 + λ (m − d)/(1 − m)), m in (−1, 1). */
function logEvidenceBelow(differences: readonly number[], m: number): number {
  const logs = BETS.map((bet) =>
    differences.reduce((sum, d) => sum + Math.log1p((bet * (m - d)) / (1 - m)), 0),
  );
  const largest = Math.max(...logs);
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / BETS.length);
}
