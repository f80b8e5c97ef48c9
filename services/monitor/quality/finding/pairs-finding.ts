/** What pairs of the same input found: the difference between both versions on the very same inputs. */
import { HOUR_MS } from "@plumbline/schemas";
import { type PairedReading, pairedBets, pairedInterval } from "@plumbline/stats";
import { snapshotOf } from "../watch/baseline.ts";
import { estimate, weightedTotal } from "../../units/compare-versions.ts";
import {
  type InputPair,
  type InputPairs,
  logPairedThreshold,
  PAIRED_DELTA,
} from "../../units/input-pairs.ts";
import type { Watched } from "../watch/series-book.ts";
import type { Finding } from "./make-detection.ts";
import { iso } from "../../units/series.ts";

const PAIRED_METHOD = "paired by identical input, betting e-process";

/** Null while the pairs do not reach their threshold, on none of the way. */
export function pairsFinding(
  { baseline, start }: Watched,
  inputs: InputPairs,
  options: { readonly alpha: number; readonly unitsWatched: number },
): Finding | null {
  const { alpha, unitsWatched } = options;
  const { eta, threshold } = snapshotOf(baseline);
  const pairs = inputs.pairs(start);
  const reading = inputs.read({ fromHour: start.fromHour, eta });
  const logThreshold = logPairedThreshold(threshold, start.startWeight);
  if (reading.logEMax < logThreshold) return null;

  const current = pairs.map((pair) => pair.current);
  const candidate = estimate(weightedTotal(current), alpha / 2);
  const incumbent = estimate(
    weightedTotal(pairs.map(({ old, current: { sample_rate } }) => ({ score: old, sample_rate }))),
    alpha / 2,
  );
  const { lower, upper } = pairedInterval(pairs, { alpha, eta });
  return {
    method: PAIRED_METHOD,
    change: { origin: "deploy", changeHour: start.fromHour },
    affected: [],
    current,
    comparison: {
      candidate,
      incumbent,
      effect: candidate.mean - incumbent.mean,
      interval: [-upper, -lower],
    },
    effectSe: pairedError(pairs),
    unitsWatched,
    detector: {
      kind: "same_input_pairs",
      level: "ticket",
      ...pairsEvidence(reading, pairs),
      log_threshold: logThreshold,
      delta: PAIRED_DELTA,
      bets: pairedBets,
      tempering: eta,
      from: iso(start.fromHour * HOUR_MS),
      start_weight: start.startWeight,
    },
  };
}

function pairsEvidence({ logE, logEMax, pairsAtMax }: PairedReading, pairs: readonly InputPair[]) {
  const differences = pairs.map(({ difference }) => difference);
  return {
    pairs: pairs.length,
    log_e: logE,
    log_e_max: logEMax,
    pairs_at_max: pairsAtMax,
    worse: differences.filter((difference) => difference > 0).length,
    better: differences.filter((difference) => difference < 0).length,
    difference_sum: differences.reduce((sum, difference) => sum + difference, 0),
    difference_square_sum: differences.reduce((sum, difference) => sum + difference ** 2, 0),
  };
}

/** Standard error of the mean difference. */
function pairedError(pairs: readonly InputPair[]): number {
  const n = pairs.length;
  if (n < 2) return 1;
  const mean = pairs.reduce((sum, { difference }) => sum + difference, 0) / n;
  const squares = pairs.reduce((sum, { difference }) => sum + (difference - mean) ** 2, 0);
  return Math.sqrt(squares / (n - 1) / n);
}
