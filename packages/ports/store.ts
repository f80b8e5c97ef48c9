/**
 * The store: where analysts and jobs read. One method a question; questions that one query answers are defined in
 * `schemas/queries`, and the SQL is in `schemas/clickhouse/queries`.
 *
 * Times cross this port as ISO 8601 UTC strings with milliseconds, windows are half-open `[start, end)`.
 * Inserts are one block per table and partition: atomic per part, not as a whole, hence `storedOffsets`.
 */
import type { Feedback, IncidentEvent, RegistryEvent, Verdict } from "@plumbline/schemas";
import type {
  DeliveredTable,
  ErasedCalls,
  ErasedSubject,
  ErasedTexts,
  FeatureHour,
  LogBinding,
  PendingCall,
  QUERIES,
  Query,
  QualityStateRow,
  StoredCallId,
  UseCasePage,
} from "@plumbline/schemas/queries";
import type {
  BaselineInsert,
  CallRow,
  DeadLetterRow,
  DriftResult,
  EvidenceRow,
  IngestAudit,
  Origin,
} from "./store-rows.ts";

/** Offsets of one partition of one log, from `from` to `to`, both inclusive. */
export interface OffsetRange {
  /** As in `Origin`; absent: the log that the store belongs to now. */
  readonly log_epoch?: number;
  readonly log_partition: number;
  readonly from: number;
  readonly to: number;
}

type MethodOf<Defined> =
  Defined extends Query<infer Asked, infer Row>
    ? (...asked: {} extends Asked ? [] : [asked: Asked]) => Promise<readonly Row[]>
    : never;

/** A method for each query. */
export type StoreQueries = { readonly [Name in keyof typeof QUERIES]: MethodOf<(typeof QUERIES)[Name]> };

export interface Store extends StoreQueries {
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
  /** Finished batches that overlap the range, as they were noted last. */
  ingestAudits(
    topic: string,
    range: OffsetRange,
  ): Promise<readonly { readonly from: number; readonly to: number; readonly rows: number }[]>;
  /** Calls that are stored of the range, rising by offset. */
  storedCallIds(range: OffsetRange): Promise<readonly StoredCallId[]>;
  bindLog(binding: LogBinding): Promise<void>;

  /** Sampled calls, and calls with a thumb down, without a verdict for this criterion and rubric, oldest first. */
  pendingCalls(query: {
    criterion: string;
    rubric_hash: string;
    limit: number;
    since: string;
  }): Promise<readonly PendingCall[]>;
  insertBaselines(rows: readonly BaselineInsert[]): Promise<void>;
  insertEvidence(rows: readonly EvidenceRow[]): Promise<void>;
  insertQualityStates(rows: readonly QualityStateRow[]): Promise<void>;
  /** Features of the calls that started in the window, of whole hours; hours ascending. */
  featureHours(query: UseCasePage): Promise<readonly FeatureHour[]>;
  insertDriftResults(rows: readonly DriftResult[]): Promise<void>;
  /** Ids of the calls that an erasure concerns. */
  findCallsToErase(subject: ErasedSubject): Promise<readonly string[]>;
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
  close(): Promise<void>;
}
