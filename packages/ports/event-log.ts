/**
 * The log: ordered, durable, partitioned records, read by groups that remember how far they got.
 *
 * Delivery is at least once. A reader makes it exactly once *in effect* by keeping its own intent in the
 * metadata of its committed offset (see `services/writer`).
 */
import type { Topic } from "@plumbline/schemas";

export interface NewRecord {
  /** Records with equal keys go to one partition, in the order they were appended. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LogRecord {
  readonly partition: number;
  /** Position in the partition, rising, an integer below 2^53. Rises by 1 but for records that the log itself needs. */
  readonly offset: number;
  /**
   * When the log accepted it, ms since the epoch. On Kafka it is whatever the record's producer wrote where the topic
   * does not keep the log's own time: −1, seconds, microseconds or nanoseconds are possible.
   */
  readonly timestamp: number;
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Position {
  readonly partition: number;
  readonly offset: number;
}

export interface Committed {
  /** The next offset to read: one past the last finished record. */
  readonly offset: number;
  /** What the group stored with it, at most 4,096 bytes; "" when nothing. */
  readonly metadata: string;
  /**
   * The oldest record that the group may want to read again; absent: `offset`. A log that trims itself keeps it. Kafka
   * keeps records by their age alone and forgets this.
   */
  readonly keepFrom?: number;
}

/** A partition that was given to a reader. */
export interface Assignment {
  readonly topic: Topic;
  readonly partition: number;
  /** Changes whenever this reader is given the partition anew. State kept for an older assignment is stale. */
  readonly assignment: number;
  /** Aborts when the partition was taken away or the reader must stop: finish or give up, commit nothing more. */
  readonly signal: AbortSignal;
}

export interface Batch extends Assignment {
  /** Rising offsets of one partition, at least one record. */
  readonly records: readonly LogRecord[];
  /** One past the last offset in the partition when the batch was read: lag = highWatermark − last offset − 1. */
  readonly highWatermark: number;
}

/** Offsets of one partition that the reader will not be given, and why. */
export interface Gap extends Assignment {
  /** First and last offset, both inclusive. They held at most `to − from + 1` records. */
  readonly from: number;
  readonly to: number;
  /**
   * `expired`: the log removed the records before the group had come to them. `unreadable`: the log has them, but
   * their bytes are damaged or compressed in a way that we don't know.
   */
  readonly reason: "expired" | "unreadable";
  /** In words, for a person; without anything of the records. */
  readonly detail: string;
}

/** How much is read at once. Both limits hold, but a first record that alone is larger than `bytesMax` is still read. */
export interface ReadLimits {
  /** Most records. Default `READ_RECORDS_MAX`. */
  readonly recordsMax?: number;
  /** Most bytes of values. Default `READ_BYTES_MAX`. */
  readonly bytesMax?: number;
}

export const READ_RECORDS_MAX = 10_000;
export const READ_BYTES_MAX = 16 * 1_048_576;

export interface SubscribeOptions extends ReadLimits {
  readonly group: string;
  readonly signal: AbortSignal;
  /**
   * Called with a partition before its first batch, which waits for it. Kafka does not call it: there a reader learns of
   * a partition by its first batch.
   */
  readonly onAssigned?: (assigned: Assignment) => Promise<void>;
  /**
   * Is told of every gap before the batch after it, one at a time with the batches of the partition, and may commit.
   * What the group committed is untouched by a gap, so one that was not committed past is told again after a restart.
   */
  readonly onGap: (gap: Gap) => Promise<void>;
}

export interface Watermark {
  readonly partition: number;
  /** First offset still kept. */
  readonly low: number;
  /** One past the last offset. */
  readonly high: number;
}

export interface EventLog {
  /**
   * Names this log for ever: equal after a restart, different for a log that was made anew. Offsets mean something only
   * together with it. On Kafka it names the cluster, for the protocol that we speak knows no id of a topic.
   */
  identity(): Promise<string>;
  /** Resolves when every record is durable; positions are in the order of `records`. */
  append(topic: Topic, records: readonly NewRecord[]): Promise<readonly Position[]>;
  /**
   * Resolves when the log would take a record of `topic` now: what an append would be refused for, this is.
   * @throws LogError with the reason, such as `log_full`
   */
  assertAppendable(topic: Topic): Promise<void>;
  /**
   * Hands the group's partitions to `handle`, one batch of one partition at a time; different partitions may
   * run concurrently. A new group starts at the oldest record; a group whose next record is gone continues at the
   * oldest one, after `onGap`. Nothing is committed by itself: the next batch
   * continues after the last record handed over, a restart continues at the committed offset.
   * Resolves when `signal` aborted and the batches in flight are finished; rejects when `handle` or `onGap` rejects.
   */
  subscribe(topic: Topic, options: SubscribeOptions, handle: (batch: Batch) => Promise<void>): Promise<void>;
  /**
   * Stores the group's next offset and metadata, durably. Only the reader that holds the partition may commit.
   * @throws LogError `not_assigned` when the partition belongs to somebody else by now: drop the batch
   */
  commit(group: string, topic: Topic, partition: number, committed: Committed): Promise<void>;
  /** What the group committed; offset 0 and "" when it never did. */
  committed(group: string, topic: Topic, partition: number): Promise<Committed>;
  /**
   * Records from offset `from` on, oldest first, within the limits; expired and unreadable ones are left out. Takes
   * part in no group. Only an empty answer is the end: one with fewer records than `recordsMax` may have reached
   * `bytesMax`.
   */
  read(topic: Topic, partition: number, from: number, limits: ReadLimits): Promise<readonly LogRecord[]>;
  watermarks(topic: Topic): Promise<readonly Watermark[]>;
  /** Yields the partitions of `topic` that this member of `group` holds, at first and at every change. Ends when `signal` aborts. */
  claim(group: string, topic: Topic, signal: AbortSignal): AsyncIterable<readonly number[]>;
  /** Stops accepting, makes what was accepted durable, releases everything. Idempotent. */
  close(): Promise<void>;
}
