/** The decision about one closed window or day of texts, with every number that is stored and asserted. */
import type { DomainClassification } from "@plumbline/stats";
import type { BinComparison } from "../counts/compare-bins.ts";
import type { NumericSizes } from "../counts/log-bins.ts";
import type { DriftResult } from "@plumbline/ports";
import { iso, type UseCase } from "../units/series.ts";

/** The kind of a feature. `topic` is the number of a topic, and its words are customers'. */
type FeatureKind =
  | { readonly type: "slice" }
  | { readonly type: "number" }
  | { readonly type: "topic"; readonly topic: number; readonly words: readonly string[] }
  | { readonly type: "text" };

export interface FeatureResult {
  readonly feature: string;
  readonly is: FeatureKind;
  readonly side: "input" | "output";
  /** Version of the outputs; empty for inputs. */
  readonly prompt_version: string;
  readonly method: "psi" | "domain_classifier";
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly referenceStart: number;
  readonly referenceEnd: number;
  readonly referenceRows: number;
  readonly currentRows: number;
  readonly pValue: number;
  readonly level: number;
  /** Debiased PSI in nats, or AUC minus 0.5. */
  readonly size: number;
  readonly interval: readonly [number, number];
  readonly tau: number;
  readonly comparison: BinComparison | null;
  readonly sizes: NumericSizes | null;
  readonly bins: {
    readonly names: readonly string[];
    readonly reference: readonly number[];
    readonly current: readonly number[];
  } | null;
  readonly text: DomainClassification | null;
}

export interface DriftDecision {
  readonly results: readonly FeatureResult[];
  /** Newest result of every flagged feature, the strongest first. */
  readonly flagged: readonly FeatureResult[];
  /** True once some feature of the inputs has begun to move, long before it is flagged. */
  readonly isInputMoving: boolean;
  /** Number of features: a level alone must reach this multiple of its own patience. */
  readonly features: number;
}

/** Drift decisions → rows of `drift_results`, with everything needed to draw and recompute them. */

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
