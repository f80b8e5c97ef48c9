/** At which similarity do two questions share an answer that serves only one of them, and how often? Pure. */
import { clopperPearsonInterval, type Interval } from "@plumbline/stats";

/** A pair of questions that nothing but their similarity could keep apart. */
export interface ScoredPair {
  /** Cosine, in [−1, 1]. */
  readonly similarity: number;
  /** One answer serves both. */
  readonly isSame: boolean;
}

interface CurvePoint {
  readonly threshold: number;
  /** Pairs at or above the threshold: one would be answered with the other's answer. */
  readonly hits: number;
  /** Of these, the pairs that one answer does not serve. */
  readonly false_hits: number;
  /** Of the share of false hits, Clopper–Pearson, 95%; [0, 1] without a hit. */
  readonly interval: Interval;
  /** Of all pairs that one answer serves, the share that is found; null without one. */
  readonly found_share: number | null;
}

export interface Tuning {
  readonly curve: readonly CurvePoint[];
  /** Largest share of false hits that is accepted, in (0, 1). */
  readonly max_false_share: number;
  /** The lowest threshold that keeps false hits under it; null when these pairs show none. */
  readonly threshold: number | null;
  /** Hits without a false one that are needed to show it. */
  readonly hits_needed: number;
  /** Why there is no threshold; null when there is one. */
  readonly why_not: "too_few_hits" | "too_many_false_hits" | null;
}

const LEVEL = 0.95;
/** Fixed before any label is seen. */
export const THRESHOLDS: readonly number[] = Array.from({ length: 31 }, (_, i) => (70 + i) / 100);
/** Cosines of equal vectors are 1 within the rounding of 32 bits. */
const ROUNDING = 1e-6;

/**
 * Thresholds are tested from the strictest that has enough hits downwards, and the first that fails ends it, so that
 * with a chance of 97.5% or more the threshold that is named is good, however many were looked at. Which one is first
 * depends on similarities only, not on which pairs are the same.
 *
 * @param pairs of different questions, each in one pair: copies are no evidence
 */
export function falseHitCurve(pairs: readonly ScoredPair[], maxFalseShare: number): Tuning {
  const same = pairs.filter(({ isSame }) => isSame).length;
  const curve = THRESHOLDS.map((threshold): CurvePoint => {
    const hit = pairs.filter(({ similarity }) => similarity >= threshold - ROUNDING);
    const false_hits = hit.filter(({ isSame }) => !isSame).length;
    return {
      threshold,
      hits: hit.length,
      false_hits,
      interval:
        hit.length === 0 ? { lower: 0, upper: 1 } : clopperPearsonInterval(false_hits, hit.length, LEVEL),
      found_share: same === 0 ? null : (hit.length - false_hits) / same,
    };
  });
  const hits_needed = hitsNeeded(maxFalseShare);
  const tested = curve.toReversed().filter(({ hits }) => hits >= hits_needed);
  const failed = tested.findIndex(({ interval }) => interval.upper >= maxFalseShare);
  const passed = failed < 0 ? tested : tested.slice(0, failed);
  const threshold = passed.at(-1)?.threshold ?? null;
  return {
    curve,
    max_false_share: maxFalseShare,
    threshold,
    hits_needed,
    why_not: threshold !== null ? null : tested.length === 0 ? "too_few_hits" : "too_many_false_hits",
  };
}

/** Fewest hits, none of them false, whose interval ends below the share: the interval of 0 of n ends at 1 − 0.025^(1/n). */
function hitsNeeded(maxFalseShare: number): number {
  return Math.floor(Math.log((1 - LEVEL) / 2) / Math.log(1 - maxFalseShare)) + 1;
}
