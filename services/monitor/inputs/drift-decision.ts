/** What one closed window or day of texts says, with every number that is stored and asserted. */
import type { DomainClassification } from "@plumbline/stats";
import type { BinComparison } from "../counts/compare-bins.ts";
import type { NumericSizes } from "../counts/log-bins.ts";

/** What a feature is about. `topic` is the number of a topic, and its words are customers'. */
type FeatureKind =
  | { readonly type: "slice" }
  | { readonly type: "number" }
  | { readonly type: "topic"; readonly topic: number; readonly words: readonly string[] }
  | { readonly type: "text" };

export interface FeatureResult {
  readonly feature: string;
  readonly is: FeatureKind;
  readonly side: "input" | "output";
  /** Of the outputs' version; empty for inputs. */
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
  /** Whether some feature of the inputs has begun to move, long before it is flagged. */
  readonly isInputMoving: boolean;
  /** What a level had to reach alone, in units of its own patience: the number of features. */
  readonly features: number;
}
