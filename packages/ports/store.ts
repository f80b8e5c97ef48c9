/**
 * The store: where analysts and jobs read. One method a question; the SQL is in `schemas/clickhouse/queries`.
 *
 * Times cross this port as ISO 8601 UTC strings with milliseconds, windows are half-open `[start, end)`.
 * Inserts are one block per table and partition: atomic per part, not as a whole, hence `storedOffsets`.
 */
import type { Feedback, IncidentEvent, LlmCall, RegistryEvent, Verdict } from "@plumbline/schemas";

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

/** Offsets of one partition of one log, from `from` to `to`, both inclusive. */
export interface OffsetRange {
  /** As in `Origin`; absent: the log that the store belongs to now. */
  readonly log_epoch?: number;
  readonly log_partition: number;
  readonly from: number;
  readonly to: number;
}

/** Tables that the writer fills from the log. */
export type DeliveredTable =
  | "calls"
  | "verdicts"
  | "feedback"
  | "incidents"
  | "registry_events"
  | "dead_letters";

/** Which log the rows of one epoch came from. */
export interface LogBinding {
  readonly log_epoch: number;
  /** `EventLog.identity()`. */
  readonly log_id: string;
  readonly bound_at: string;
}

/** A call that is stored, and where it came from. */
export interface StoredCallId {
  readonly log_offset: number;
  readonly tenant: string;
  readonly call_id: string;
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

/** What the finished batches of a window say about one partition, and what the store holds of it. */
export interface IngestLedger {
  readonly topic: string;
  readonly log_partition: number;
  /** First and last offset that a batch of the window was about. */
  readonly first_offset: number;
  readonly last_offset: number;
  /** Offsets that surely were repeats or dead letters. */
  readonly explained: number;
  /** Runs of offsets between the batches that no batch was about, both ends inclusive; the newest 1,000. */
  readonly holes: readonly (readonly [number, number])[];
  /** Distinct offsets of the range that are rows of calls; null for other topics. */
  readonly stored: number | null;
}

/** Offsets from one to another, both inclusive. */
export interface OffsetRun {
  readonly from_offset: number;
  readonly to_offset: number;
}

/** Calls of one application whose version is one too many on its day. */
export interface VersionOverflow {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly app: string;
  readonly calls: number;
}

/** A question about some use cases, of all environments; about all of them when none is named. */
export interface UseCasePage extends Window {
  readonly use_cases?: readonly { readonly tenant: string; readonly use_case: string }[];
}

/** A sampled call that has no verdict yet. */
export interface PendingCall {
  readonly call_id: string;
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly model: string;
  readonly conversation_id: string;
  readonly started_at: string;
  readonly ingested_at: string;
  readonly slices: readonly string[];
  readonly sample_rate: number;
  /**
   * stored: what was captured is in `input` and `output`. not_captured: the call announces that there are no texts.
   * missing: it announces texts that are not in the store, not yet or no longer.
   */
  readonly texts: "stored" | "not_captured" | "missing";
  /** Null when this text was not captured, and while both are missing. */
  readonly input: string | null;
  readonly output: string | null;
}

/** Calls of one version: volume and outcome, no quality. */
export interface VersionTraffic {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly calls: number;
  readonly ok_calls: number;
  readonly latency_ms_p95: number;
  readonly cost_usd_sum: number;
  readonly first_started_at: string;
  readonly last_started_at: string;
}

/** How many calls of a version were chosen for judging, and how many were to be expected. */
export interface SamplingCount {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly calls: number;
  readonly sampled: number;
  /** Sum of the calls' sampling rates, and 1 for each that its outcome chose: the expected number of sampled ones. */
  readonly rate_sum: number;
}

/** A slice of the inputs in which the outputs of a version moved, asserted and not over. */
export interface MovedSlice {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  /** "" when they moved in no slice more than elsewhere. */
  readonly slice: string;
  /** Calls of the version chosen for judging there since the assertion. */
  readonly sampled: number;
}

export interface Coverage {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly hour: string;
  readonly sampled: number;
  readonly scored: number;
  readonly cannot_judge: number;
  readonly failed: number;
  readonly expired: number;
  readonly over_budget: number;
}

/** One judged conversation of one day: the unit of every statistic of quality. */
export interface JudgedUnitRow {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly criterion: string;
  readonly is_guardrail: boolean;
  /** What the guardrail is for, beyond the answer; null or absent for the answer itself. */
  readonly protects?: NonNullable<Verdict["protects"]> | null;
  readonly rubric_hash: string;
  readonly judge: string;
  readonly prompt_version: string;
  /** When its first verdict arrived. */
  readonly judged_at: string;
  /** The call that the verdict is about. */
  readonly call_id: string;
  /** In [0,1]. */
  readonly score: number;
  readonly slices: readonly string[];
  /** Probability with which it was selected. */
  readonly sample_rate: number;
  /** Equal for units of one use case with the same input; empty or absent when the text was not captured. */
  readonly input_fingerprint?: string;
}

/** When a version was called, as far back as was asked. */
export interface VersionActivity {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  /** Rows, repeats included; `versionTraffic` counts exactly. */
  readonly calls: number;
  /** Rows that were chosen for judging. */
  readonly sampled: number;
  readonly first_started_at: string;
  readonly last_started_at: string;
  readonly last_ingested_at: string;
}

/** Of the calls selected for judging, how many ended how; sampled is the sum of the states and unjudged. */
export interface JudgingProgress {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly sampled: number;
  readonly scored: number;
  readonly cannot_judge: number;
  readonly failed: number;
  readonly expired: number;
  readonly over_budget: number;
  readonly unjudged: number;
  /** When the call that has waited longest arrived; null when none waits. */
  readonly oldest_unjudged_at: string | null;
}

/** A use case that had calls and has none now. */
export interface SilentUseCase {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly first_at: string;
  readonly last_at: string;
  readonly calls_of_last_day: number;
  /** Calls in the hours of the silence, one week earlier. */
  readonly calls_a_week_before: number;
}

/** Calls of one version for which exactly these slices held. */
export interface SliceMix {
  readonly tenant: string;
  readonly env: string;
  readonly prompt_version: string;
  readonly held: readonly string[];
  readonly calls: number;
}

/** A model that the provider says answered, for one version. */
export interface ResponseModel {
  readonly tenant: string;
  readonly env: string;
  readonly prompt_version: string;
  readonly response_model: string;
  readonly calls: number;
  readonly first_started_at: string;
  readonly last_started_at: string;
}

/** What may be compared with one another: one criterion of a use case under one rubric and judge. */
export interface QualitySeries {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly criterion: string;
  readonly rubric_hash: string;
  readonly judge: string;
}

/** Judged units of a version in one hour. */
export interface JudgedUnitCount extends QualitySeries {
  readonly prompt_version: string;
  /** Start of the hour in which the verdicts arrived. */
  readonly hour: string;
  readonly units: number;
}

/** A frozen baseline as stored. */
export interface BaselineRow extends QualitySeries {
  readonly snapshot_id: string;
  readonly prompt_version: string;
  /** Version that the reference came from; "" when several. */
  readonly incumbent_version: string;
  /** First call of the version. */
  readonly deployed_at: string;
  readonly reference_start: string;
  readonly reference_end: string;
  readonly units: number;
  readonly score_sum: number;
  /** The whole baseline, plain JSON, as the statistics made it. */
  readonly snapshot: unknown;
  readonly created_at: string;
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

/** A state that a version reached; there is none for "no difference". */
export interface QualityStateRow extends QualitySeries {
  readonly prompt_version: string;
  readonly snapshot_id: string;
  readonly state: "WATCHING" | "CLEARED" | "REGRESSED";
  readonly at: string;
  /** Judged since the start of the watch. */
  readonly units: number;
  /** Nats. */
  readonly log_m: number;
  readonly log_threshold: number;
}

/** How a feature of the calls of one version was distributed in one hour, in all calls ("") or in one slice. */
export interface FeatureHour {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  /** Start of the hour. */
  readonly hour: string;
  /** "" for all calls, `cell=…` for a cell of a partition of them, else the name of a slice. */
  readonly slice: string;
  /** `calls` counts calls in bin 0. */
  readonly feature: string;
  /** Pairs of bin and calls; the grid is described in `feature_hours.sql`. */
  readonly counts: readonly (readonly [number, number])[];
}

/** Outcome, latency, cost and cache of the calls of one version in one hour; sums. */
export interface OutcomeHour {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly hour: string;
  readonly calls: number;
  readonly ok_calls: number;
  /** Not answered by the primary path at once. */
  readonly elsewhere_calls: number;
  /** Of these, by a fallback model, a stale answer, a template or an error. */
  readonly degraded_calls: number;
  readonly priced_calls: number;
  readonly cost_usd_sum: number;
  /** Natural logarithms of US dollars. */
  readonly log_cost_sum: number;
  readonly log_cost_square_sum: number;
  /** Reported how much of their input came from the provider's cache. */
  readonly cacheable_calls: number;
  /** Of these, at least half of it did. */
  readonly cached_calls: number;
  /** Pairs of bin and calls, on the grid of `FeatureHour`. */
  readonly latency: readonly (readonly [number, number])[];
  /** Pairs of model and calls; "" when the provider did not say. */
  readonly response_models: readonly (readonly [string, number])[];
}

/** A captured input of one day. */
export interface DriftText {
  readonly tenant: string;
  readonly env: string;
  /** Midnight UTC. */
  readonly day: string;
  readonly text_id: string;
  readonly text: string;
}

/** Agreement of a judge with its own frozen verdicts on the anchor items, on one day. */
/** How one judge's verdicts compare with people's labels of the same calls, in calls. */
export interface JudgeLabels extends QualitySeries {
  /** Judged calls without a label. */
  readonly unlabelled_pass: number;
  readonly unlabelled_fail: number;
  readonly both_pass: number;
  readonly both_fail: number;
  readonly judge_pass_human_fail: number;
  readonly judge_fail_human_pass: number;
  /** Scores other than 0 and 1. */
  readonly partial_scores: number;
  /** ISO 8601 UTC; null without labels. */
  readonly oldest_label_at: string | null;
}

export interface AnchorDay {
  readonly tenant: string;
  readonly env: string;
  /** `<use case>/<criterion>`. */
  readonly criterion: string;
  readonly rubric_hash: string;
  readonly judge: string;
  /** Midnight UTC. */
  readonly day: string;
  readonly items: number;
  readonly agreements: number;
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

export interface Window {
  readonly start: string;
  readonly end: string;
}

export interface ErasedCalls {
  readonly tenant: string;
  readonly call_ids: readonly string[];
}

/** Rows by table. */
export interface ErasedTexts {
  readonly call_payloads: number;
  readonly calls: number;
  readonly verdicts: number;
  readonly feedback: number;
}

export interface Store {
  /** Applies missing migrations; safe to run twice and from two processes. */
  migrate(): Promise<{ readonly applied: readonly string[] }>;
  /** @throws ConfigError `schema_outdated` when the store is older than this code */
  assertMigrated(): Promise<void>;

  /**
   * Narrow rows and, where texts were captured, payload rows.
   *
   * @param options.isRepeat an insert of these rows may have been half done, in one of the tables: only what it lacks is
   *   written. Rows are then of one partition, in the order of their offsets.
   * @throws StoreError
   */
  insertCalls(rows: readonly CallRow[], options?: { readonly isRepeat?: boolean }): Promise<void>;
  insertVerdicts(rows: readonly (Origin & { readonly verdict: Verdict })[]): Promise<void>;
  insertFeedback(
    rows: readonly (Origin & { readonly tenant: string; readonly feedback: Feedback })[],
  ): Promise<void>;
  insertIncidentEvents(rows: readonly (Origin & { readonly event: IncidentEvent })[]): Promise<void>;
  insertRegistryEvents(rows: readonly (Origin & { readonly event: RegistryEvent })[]): Promise<void>;
  insertIngestAudit(rows: readonly IngestAudit[]): Promise<void>;
  insertDeadLetters(rows: readonly DeadLetterRow[]): Promise<void>;
  /**
   * Ends inserts of rows of this partition that are under way, whoever began them: their sender may be gone. Resolves when
   * none of them can add rows any more, so that what `storedOffsets` says then stays true.
   */
  endInserts(
    table: DeliveredTable,
    partition: { readonly log_epoch: number; readonly log_partition: number },
  ): Promise<void>;
  /**
   * Offsets of `[from, to]` that `table` already holds, for recovery of an open intent. For calls, an offset counts
   * as stored only when the narrow row and, where there is one, its payload row are.
   */
  storedOffsets(table: DeliveredTable | "call_payloads", range: OffsetRange): Promise<ReadonlySet<number>>;
  /** The runs of offsets of the range that `table` does not hold completely, rising; the complement of `storedOffsets`. */
  missingRuns(
    table: DeliveredTable,
    range: OffsetRange,
  ): Promise<readonly { readonly from: number; readonly to: number }[]>;
  /** The highest offset that `table` holds of each partition of a log. */
  lastOffsets(
    table: DeliveredTable,
    log_epoch: number,
  ): Promise<readonly { readonly log_partition: number; readonly last_offset: number }[]>;
  /** Finished batches that overlap the range, as they were noted last. */
  ingestAudits(
    topic: string,
    range: OffsetRange,
  ): Promise<readonly { readonly from: number; readonly to: number; readonly rows: number }[]>;
  /** Calls that are stored of the range, rising by offset. */
  storedCallIds(range: OffsetRange): Promise<readonly StoredCallId[]>;
  /** Which logs this store was filled from; empty before the first. */
  logBindings(): Promise<readonly LogBinding[]>;
  bindLog(binding: LogBinding): Promise<void>;

  /** Sampled calls, and calls with a thumb down, without a verdict for this criterion and rubric, oldest first. */
  pendingCalls(query: {
    criterion: string;
    rubric_hash: string;
    limit: number;
    since: string;
  }): Promise<readonly PendingCall[]>;
  versionTraffic(query: UseCasePage): Promise<readonly VersionTraffic[]>;
  /** Versions in the order of their first call in the window. */
  samplingCounts(window: Window): Promise<readonly SamplingCount[]>;
  /** Where outputs moved by an assertion since a moment that still stands. */
  movedSlices(since: string): Promise<readonly MovedSlice[]>;
  coverageByHour(window: Window): Promise<readonly Coverage[]>;

  /** Units whose verdict arrived in the window; sorted by series, version and arrival. */
  judgedUnits(query: UseCasePage): Promise<readonly JudgedUnitRow[]>;
  /** The same units, counted; the window is whole hours. */
  judgedUnitCounts(window: Window): Promise<readonly JudgedUnitCount[]>;
  /** Versions with calls that the log accepted at or after `since`. */
  versionActivity(since: string): Promise<readonly VersionActivity[]>;
  /** About calls that arrived in the window. */
  judgingProgress(window: Window): Promise<readonly JudgingProgress[]>;
  /** Applications with calls beyond a day's number of versions that arrived in the window; ten a use case, the largest first. */
  versionOverflow(window: Window): Promise<readonly VersionOverflow[]>;
  /** Use cases with calls that arrived in the window and none at or after `since`. */
  silentUseCases(query: Window & { readonly since: string }): Promise<readonly SilentUseCase[]>;
  /** Calls of a use case that started in the window, by version and slices. */
  sliceMix(query: Window & { readonly use_case: string }): Promise<readonly SliceMix[]>;
  /** Of calls that started in the window and whose provider named the model. */
  responseModels(query: Window & { readonly use_case: string }): Promise<readonly ResponseModel[]>;
  insertBaselines(rows: readonly BaselineInsert[]): Promise<void>;
  /** Frozen at or after `since`, oldest first within a series. */
  baselines(since: string): Promise<readonly BaselineRow[]>;
  insertEvidence(rows: readonly EvidenceRow[]): Promise<void>;
  insertQualityStates(rows: readonly QualityStateRow[]): Promise<void>;
  /** Reached at or after `since`, oldest first within a series. */
  qualityStates(since: string): Promise<readonly QualityStateRow[]>;
  /** Features of the calls that started in the window, of whole hours; hours ascending. */
  featureHours(query: UseCasePage): Promise<readonly FeatureHour[]>;
  /** Outcomes of the calls that started in the window, of whole hours; hours ascending. */
  outcomeHours(query: UseCasePage): Promise<readonly OutcomeHour[]>;
  /** A sample of a use case's captured inputs, always the same one, at most `day_limit` a day; days ascending. */
  driftTexts(
    query: Window & { readonly use_case: string; readonly day_limit: number },
  ): Promise<readonly DriftText[]>;
  /** Labels given in the window, against the verdicts of every judge of the use case. */
  judgeLabels(query: Window & { readonly use_case: string }): Promise<readonly JudgeLabels[]>;
  /** Re-judgements of anchor items in the window of judging time; days ascending. */
  anchorDays(window: Window): Promise<readonly AnchorDay[]>;
  insertDriftResults(rows: readonly DriftResult[]): Promise<void>;
  /** Rows, distinct calls and missing offsets per partition; the always-on check for loss and duplicates. */
  deliveryCheck(): Promise<
    readonly {
      log_partition: number;
      rows: number;
      distinct_calls: number;
      min_offset: number;
      max_offset: number;
      missing: number;
    }[]
  >;
  /** From the batches that were noted in the window. */
  ingestLedger(window: Window): Promise<readonly IngestLedger[]>;
  /** Runs of offsets of calls that are neither rows nor dead letters; the newest `limit` of them, newest first. */
  unstoredRuns(query: {
    readonly log_partition: number;
    readonly from: number;
    readonly to: number;
    readonly limit: number;
  }): Promise<readonly OffsetRun[]>;
  /** Of these calls, at most 1,000, those that are rows; an id may be a call of several tenants. */
  storedCalls(
    callIds: readonly string[],
  ): Promise<readonly { readonly tenant: string; readonly call_id: string }[]>;
  /** Ids of the calls that an erasure concerns; its id is known by `subject_hash` alone. `until` is of event time, inclusive. */
  findCallsToErase(query: {
    readonly tenant: string;
    readonly kind: "conversation" | "user" | "call";
    readonly subject_hash: string;
    readonly until: string;
  }): Promise<readonly string[]>;
  /** What of the calls lies where texts lie, in rows. */
  countTexts(calls: ErasedCalls): Promise<ErasedTexts>;
  /** Removes what people wrote in and about the calls, and who they are; numbers stay. @returns rows that were changed */
  eraseTexts(calls: ErasedCalls): Promise<ErasedTexts>;
  /** Names of slices after attribute values that no call has but these: what still says who they were. */
  findNamesToErase(calls: ErasedCalls): Promise<readonly string[]>;
  /**
   * Puts `change` of a detection in its place, where one of the names stands in it.
   *
   * @param query.change the event as JSON before and after; a dry run counts alone
   * @returns different detections that changed
   */
  rewriteIncidents(query: {
    readonly tenant: string;
    readonly names: readonly string[];
    readonly change: (event: string) => string;
    readonly isDryRun: boolean;
  }): Promise<number>;
  /** Offsets of `[from, to]` of a topic that are dead letters. */
  deadLetterOffsets(query: {
    readonly topic: string;
    readonly log_partition: number;
    readonly from: number;
    readonly to: number;
  }): Promise<ReadonlySet<number>>;
  close(): Promise<void>;
}
