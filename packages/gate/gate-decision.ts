/** What the gate looks at, and what it answers. */
import type { GateLimits } from "@plumbline/schemas";
import type { PairedDifference } from "./paired-difference.ts";

/** One case under one version; repeats already averaged. */
export interface GateCase {
  readonly case_id: string;
  /** In [0, 1]; null when the case could not be scored, which is never a pass. */
  readonly score: number | null;
  readonly passes: boolean;
  readonly slices: readonly string[];
  /** US dollars; null when the model's price is unknown. */
  readonly cost_usd: number | null;
  readonly latency_ms: number | null;
}

interface VersionResults {
  readonly prompt_version: string;
  readonly cases: readonly GateCase[];
}

/** What an eval run left behind. */
export interface GateRecord {
  readonly candidate: VersionResults;
  /** Null for the first version of a use case. */
  readonly incumbent: VersionResults | null;
  readonly eval_set_hash: string;
  /** Rubric name to hash. */
  readonly rubric_hashes: Readonly<Record<string, string>>;
  readonly finished_at: Date;
}

/** What the registry knows, to hold the record against. */
export interface GateExpectation {
  readonly candidate_version: string;
  /** Live version of the environment; null when nothing is live. */
  readonly live_version: string | null;
  readonly eval_set: {
    readonly hash: string;
    readonly owner: string | null;
    /** New cases are added at least this often; null when nobody promised. */
    readonly cadence_ms: number | null;
    /** Day of the newest case; null when no case has one. */
    readonly newest_case_at: Date | null;
  };
  readonly rubric_hashes: Readonly<Record<string, string>>;
}

type GateReasonCode =
  | "other_candidate"
  | "stale_incumbent"
  | "other_eval_set"
  | "other_rubric"
  | "old_record"
  | "eval_set_owner"
  | "eval_set_cadence"
  | "eval_set_age"
  | "unpaired_cases"
  | "unscored_cases"
  | "too_few_cases"
  | "all_zero"
  | "worse"
  | "not_shown_as_good"
  | "score_floor"
  | "pass_rate_floor"
  | "slice_floor"
  | "slice_worse"
  | "cost"
  | "cost_unknown"
  | "latency"
  | "latency_unknown";

export interface GateReason {
  readonly code: GateReasonCode;
  /** What is wrong, with its numbers. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
}

/** A row of the table: all cases, or one slice. */
export interface GateRow {
  /** Null for all cases. */
  readonly slice: string | null;
  readonly n: number;
  readonly candidate_score: number;
  readonly incumbent_score: number | null;
  /** Null without an incumbent. */
  readonly paired: PairedDifference | null;
  /** Holm-adjusted over the slices that are judged; null for all cases and for slices that are too small. */
  readonly p_worse_adjusted: number | null;
}

export interface GateDecision {
  readonly decision: "pass" | "fail";
  /** Empty for a pass. Everything that is wrong, not only the first. */
  readonly reasons: readonly GateReason[];
  /** All cases first, then slices by name. */
  readonly table: readonly GateRow[];
  /**
   * True drop of the mean score that this run would have refused in four of five runs, score points; null when not
   * even a drop of 1 would be. Smaller drops can pass unseen.
   */
  readonly smallest_detectable_drop: number | null;
  /** Mean US dollars per case; null when unknown. */
  readonly cost_usd: { readonly candidate: number | null; readonly incumbent: number | null };
  readonly latency_ms_p95: { readonly candidate: number | null; readonly incumbent: number | null };
}

export type GateLimitsInForce = { readonly [Key in keyof GateLimits]-?: Exclude<GateLimits[Key], undefined> };
