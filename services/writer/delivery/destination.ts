/** What delivery needs to know about one topic and the table that it goes to. */
import type { IngestAudit, LogRecord, Origin } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";

/** What one record becomes. `reason` is low-cardinality, for it is counted; neither it nor `detail` quotes a value. */
export type Outcome<Row> =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "rejected"; readonly reason: string; readonly detail: string }
  | { readonly kind: "duplicate" };

/** A record whose time can be used: `timestamp` is in milliseconds and plausible, by `record-time.ts`. */
export interface TimedRecord extends LogRecord {
  /** The producer's time was none; `timestamp` is in another unit than it came, or the writer's own. */
  readonly isTimeRepaired: boolean;
}

/** @typeParam State memory of one partition, made anew whenever the partition is taken over */
export interface Destination<Row extends Origin, State> {
  readonly topic: Topic;
  readonly group: string;
  /** Offsets before a record whose rows `State` must know; 0 when it needs none. */
  readonly memoryOffsets: number;
  createState(): State;
  /** Brings to `state` what the store holds of the range. Ranges come in rising order. */
  remember(state: State, range: PartitionRange): Promise<void>;
  /** Depends on nothing but the record and `state`, and gives the same row again for the same record. */
  prepare(record: TimedRecord, state: State): Outcome<Row>;
  /** @param isRepeat rows may be stored in part: in one of two tables */
  insert(rows: readonly Row[], isRepeat: boolean): Promise<void>;
  /** Ends inserts of the partition that the store still works on, of a writer before this one as well. */
  endInserts(partition: number): Promise<void>;
  /** Offsets of the range that are stored completely. */
  storedOffsets(range: PartitionRange): Promise<ReadonlySet<number>>;
  /** Runs of offsets of the range that are not stored completely, in rising order. */
  missingRuns(range: PartitionRange): Promise<readonly Run[]>;
  /** The highest stored offset of the partition; null without rows. */
  lastStored(partition: number): Promise<number | null>;
  /** What finished batches noted about the range. */
  audits(range: PartitionRange): Promise<readonly AuditedRange[]>;
  recordAudit(audit: Omit<IngestAudit, "log_epoch">): Promise<void>;
}

/** A run of one partition. */
export interface PartitionRange extends Run {
  readonly log_partition: number;
}

/** Offsets from `from` to `to`, both inclusive. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** A finished batch: how many of its offsets became rows. The others were duplicates, dead letters or the log's own. */
export interface AuditedRange extends Run {
  readonly rows: number;
}
