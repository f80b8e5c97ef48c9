/** Drift decisions → rows of `drift_results`, with everything needed to draw and recompute them. */
import type { DriftResult } from "@plumbline/ports";
import { type UseCase, iso } from "../units/series.ts";
import type { DriftDecision, FeatureResult } from "./drift-decision.ts";

export function toDriftResults(key: UseCase, decision: DriftDecision, now: number): DriftResult[] {
  const flagged = new Set(decision.flagged.map((result) => result.feature));
  return decision.results.map((result) => ({
    ...key,
    prompt_version: result.prompt_version,
    feature: result.feature,
    method: result.method,
    reference_start: iso(result.referenceStart),
    reference_end: iso(result.referenceEnd),
    window_start: iso(result.windowStart),
    window_end: iso(result.windowEnd),
    reference_units: Math.round(result.referenceRows),
    current_units: Math.round(result.currentRows),
    value: result.size,
    threshold: result.tau,
    p_value: result.pValue,
    verdict: flagged.has(result.feature) ? "drifted" : "stable",
    bins: describeResult(result),
    computed_at: iso(now),
  }));
}

/** Sizes beside the decision; plain JSON. */
function describeResult(result: FeatureResult): Record<string, unknown> {
  const { bins, comparison, sizes, text } = result;
  return {
    level: result.level,
    interval: result.interval,
    ...(bins === null ? {} : { names: bins.names, reference: bins.reference, current: bins.current }),
    ...(comparison === null || bins === null
      ? {}
      : {
          jensen_shannon: comparison.jensenShannon,
          top_bins: comparison.topBins.map((bin) => bins.names[bin]),
        }),
    ...sizes,
    ...(text === null ? {} : { auc: text.auc.auc, documents: text.documents, ngrams: text.ngrams }),
  };
}
