/** Rows that are inserted into the store, beside the events themselves. Times are ISO 8601 UTC strings with milliseconds. */
import type { LlmCall } from "@plumbline/schemas";
import type { BaselineRow } from "@plumbline/schemas/queries";

/** Where a row came from in the log; the identity by which delivery is verified. */
export interface Origin {
  /** Number of the log that the record came from, among those that this store has been filled from; absent: 0, the first. */
  readonly log_epoch?: number;
  readonly log_partition: number;
  readonly log_offset: number;
  /** When the log accepted the record, ISO 8601 UTC. */
  readonly ingested_at: string;
}

/** A call with what the writer added. */
export interface CallRow extends Origin {
  readonly tenant: string;
  readonly call: LlmCall;
  /** `call.prompt_version`, or "" when the call is untagged. */
  readonly prompt_version: string;
  /** `call.conversation_id`, or the call's own id. */
  readonly conversation_id: string;
  /** Reported start, or `ingested_at` when the report was implausible. */
  readonly started_at: string;
  /** Reported minus accepted, ms, when the report was implausible; else 0. */
  readonly clock_skew_ms: number;
  readonly cost_usd: number | null;
  readonly slices: readonly string[];
  readonly features: Readonly<Record<string, number>>;
  readonly is_sampled: boolean;
  readonly sample_rate: number;
  /** Counted oddities, such as clock_skew, unknown_fields, truncated. */
  readonly flags: readonly string[];
}

/** One finished batch of the writer, for the gap scan. */
export interface IngestAudit {
  /** As in `Origin`; absent: 0. */
  readonly log_epoch?: number;
  readonly topic: string;
  readonly log_partition: number;
  readonly from_offset: number;
  readonly to_offset: number;
  readonly rows: number;
  readonly duplicates: number;
  /** The duplicates of calls by owner and application; absent: of none is it known. */
  readonly duplicates_by_app?: readonly {
    readonly tenant: string;
    readonly app: string;
    readonly duplicates: number;
  }[];
  readonly dead_letters: number;
  readonly recovered: boolean;
  readonly written_at: string;
}

/** A record that could not become a row, or the note that it was redriven; without its bytes. */
export interface DeadLetterRow extends Origin {
  /** Where the original record stands. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly type: "dead_letter" | "redriven";
  readonly tenant: string;
  /** What the record says of its sender; empty and null when that can't be read. */
  readonly app: string;
  readonly emitter_id: string;
  readonly sequence: number | null;
  readonly reason: string;
  readonly detail: string;
  /** Size of the original record. */
  readonly bytes: number;
  /** When the log accepted the original record, ISO 8601 UTC. */
  readonly first_seen: string;
  readonly redriven_by: string;
}

/** A baseline with the numbers that analysts read without unpacking it; arrays go by stream. */
export interface BaselineInsert extends BaselineRow {
  readonly dispersion: number;
  readonly tempering: number;
  readonly coefficients: readonly number[];
  readonly streams: readonly string[];
  readonly stream_weights: readonly number[];
  readonly stream_margins: readonly number[];
  readonly stream_units: readonly number[];
  readonly misfits_expected: number;
}

/** Evidence of one stream in one hour of arriving verdicts; sums. A later computation of the hour replaces. */
export interface EvidenceRow {
  readonly snapshot_id: string;
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly criterion: string;
  readonly prompt_version: string;
  readonly stream: string;
  /** Start of the hour. */
  readonly hour: string;
  readonly units: number;
  readonly score_sum: number;
  readonly expected_sum: number;
  /** Nats, one per grid point. */
  readonly log_factors: readonly number[];
  readonly clearance_factors: readonly number[];
  readonly computed_at: string;
}

/** One drift comparison of one feature in one window. A later computation of the same window replaces. */
export interface DriftResult {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  /** Version compared; "" for all versions. */
  readonly prompt_version: string;
  readonly feature: string;
  readonly method: string;
  readonly reference_start: string;
  readonly reference_end: string;
  readonly window_start: string;
  readonly window_end: string;
  readonly reference_units: number;
  readonly current_units: number;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly p_value: number | null;
  readonly verdict: "drifted" | "stable" | "not_enough_data";
  /** Frozen bins, both counts and sizes; plain JSON. */
  readonly bins: unknown;
  readonly computed_at: string;
}
