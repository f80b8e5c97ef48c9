/**
 * Moves one topic into one table so that every record is there exactly once in effect, through kill -9 of any
 * process at any point.
 *
 * A batch is one contiguous range of offsets of one partition. Before its insert the range is committed as an
 * *intent*; after it, the offset one past its end. Whoever takes over a partition and finds an open intent asks
 * the store which offsets of the range it holds and inserts only the missing ones. An insert is one part per
 * table and day and may be half done, so every failed or unanswered insert is verified in the same way before
 * it is repeated. Deduplication tokens would be simpler and are not crash-safe on plain tables.
 */
import {
  StoreError,
  type Batch,
  type Clock,
  type EventLog,
  type IngestAudit,
  type LogRecord,
  type Origin,
} from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import { z } from "zod";

/** A record that can't become a row, and why. `reason` is low-cardinality: it is counted. */
export interface Rejected {
  readonly record: LogRecord;
  readonly reason: string;
  readonly detail: string;
}

/** What a batch of records becomes. Must not depend on anything but the records and `state`. */
export interface Prepared<Row> {
  readonly rows: readonly Row[];
  readonly rejected: readonly Rejected[];
  readonly duplicates: number;
}

export interface Destination<Row extends Origin, State> {
  readonly topic: Topic;
  readonly group: string;
  /** Offsets before a batch whose keys `State` needs; 0 when it needs none. */
  readonly warmUpOffsets: number;
  /** Memory of one partition, rebuilt from the log whenever the partition is taken over. */
  createState(): State;
  warmUp(state: State, records: readonly LogRecord[]): void;
  prepare(records: readonly LogRecord[], state: State): Prepared<Row>;
  insert(rows: readonly Row[]): Promise<void>;
  storedOffsets(range: { log_partition: number; from: number; to: number }): Promise<ReadonlySet<number>>;
}

export interface DeliveryDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recordAudit: (audit: IngestAudit) => Promise<void>;
}

/** Rows of one insert. Fewer make more parts, which the engine then merges; more stall it on one huge block. */
const BLOCK_RECORDS = 10_000;
/** Records prepared in one turn of the event loop. */
const TURN_RECORDS = 500;
/** What a reader should ask the log for: two blocks, so that one is prepared while the other is inserted. */
export const BATCH_LIMITS = { recordsMax: 2 * BLOCK_RECORDS, bytesMax: 33_554_432 } as const;
const READ_RECORDS = 10_000;
/** Longest rest between two batches: the price of a fresh row under load. */
const REST_MS_MAX = 200;
const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 30_000;
/** More rows refused by the store than this, one after another, mean that our own code or schema is wrong: stop rather than drain the topic into the dead letters. */
const REFUSED_IN_A_ROW_MAX = 100;

const Intent = z.object({ v: z.literal(1), from: z.number().int(), to: z.number().int() });
type Intent = z.infer<typeof Intent>;

interface Partition<State> {
  readonly assignment: number;
  readonly state: State;
  /** First offset not yet delivered. */
  next: number;
}

/** @returns a handler for `log.subscribe`; it resolves when the batch is stored, or given up because its signal aborted */
export function createDelivery<Row extends Origin, State>(
  destination: Destination<Row, State>,
  deps: DeliveryDeps,
): (batch: Batch) => Promise<void> {
  const { topic, group } = destination;
  const { log, clock, logger } = deps;
  const partitions = new Map<number, Partition<State>>();
  let refusedInARow = 0;

  return async (batch) => {
    const known = partitions.get(batch.partition);
    const partition = known?.assignment === batch.assignment ? known : await takeOver(batch);
    if (partition === null) return;
    partitions.set(batch.partition, partition);
    const next = partition.next;
    const records = batch.records.filter((record) => record.offset >= next);
    if (records.length === 0) return;
    const started = clock.now();
    const isDelivered = await deliver(records, partition, batch, false);
    // An insert costs about the same for one row as for a thousand. Resting as long as one took keeps a trickle
    // fresh within milliseconds, lets batches grow under load, and bounds what inserting may cost; a backlog gets no rest.
    const isBehind = batch.highWatermark - partition.next > BLOCK_RECORDS;
    if (isDelivered && !isBehind)
      await clock.sleep(Math.min(clock.now() - started, REST_MS_MAX), batch.signal);
  };

  /** Finishes what an earlier holder left open. Null when the partition was lost meanwhile. */
  async function takeOver(batch: Batch): Promise<Partition<State> | null> {
    const committed = await log.committed(group, topic, batch.partition);
    const intent = parseIntent(committed.metadata);
    const next = intent?.from ?? committed.offset;
    const partition: Partition<State> = {
      assignment: batch.assignment,
      state: destination.createState(),
      next,
    };
    const warmFrom = Math.max(0, next - destination.warmUpOffsets);
    for await (const records of readRange(batch, warmFrom, next - 1))
      destination.warmUp(partition.state, records);
    if (intent === null) return partition;

    const open: LogRecord[] = [];
    for await (const records of readRange(batch, intent.from, intent.to)) open.push(...records);
    if (open.length > 0 && !(await deliver(open, partition, batch, true))) return null;
    partition.next = intent.to + 1;
    return partition;
  }

  /** False when the signal aborted first: the intent stays open for whoever is next. */
  async function deliver(
    records: readonly LogRecord[],
    partition: Partition<State>,
    batch: Batch,
    isRecovery: boolean,
  ): Promise<boolean> {
    const started = performance.now();
    const from = records[0]!.offset;
    const to = records[records.length - 1]!.offset;
    if (!isRecovery)
      await log.commit(group, topic, batch.partition, {
        offset: from,
        metadata: writeIntent({ v: 1, from, to }),
      });

    const count = { rows: 0, duplicates: 0, dead_letters: 0 };
    let inserting: Promise<boolean> = Promise.resolve(true);
    for (let start = 0; start < records.length; start += BLOCK_RECORDS) {
      // A block is prepared while the one before it is being inserted.
      const rows = await prepare(records.slice(start, start + BLOCK_RECORDS), partition.state, count);
      if (!(await inserting)) return false;
      inserting = insertAll(rows, batch, isRecovery, count);
      // An error of this insert is seen at the next await; without a handler it would end the process before that.
      inserting.catch(() => undefined);
    }
    if (!(await inserting)) return false;

    await deps.recordAudit({
      topic,
      log_partition: batch.partition,
      from_offset: from,
      to_offset: to,
      ...count,
      recovered: isRecovery,
      written_at: new Date(clock.now()).toISOString(),
    });
    await log.commit(group, topic, batch.partition, { offset: to + 1, metadata: "" });
    partition.next = to + 1;
    const lag = batch.highWatermark - to - 1;
    logger.info(
      {
        topic,
        log_partition: batch.partition,
        from,
        to,
        ...count,
        lag,
        recovered: isRecovery,
        duration_ms: Math.round(performance.now() - started),
      },
      "writer.batch",
    );
    return true;
  }

  async function prepare(
    records: readonly LogRecord[],
    state: State,
    count: { rows: number; duplicates: number; dead_letters: number },
  ): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for (let start = 0; start < records.length; start += TURN_RECORDS) {
      const prepared = destination.prepare(records.slice(start, start + TURN_RECORDS), state);
      rows.push(...prepared.rows);
      count.duplicates += prepared.duplicates;
      count.dead_letters += prepared.rejected.length;
      await deadLetter(prepared.rejected);
      // Preparing a whole block would hold the event loop, and with it the collector, for a third of a second.
      await new Promise((resolve) => setImmediate(resolve));
    }
    count.rows += rows.length;
    return rows;
  }

  /** Inserts rows until they are all stored; retriable trouble is waited out for ever, nothing is given up. */
  async function insertAll(
    rows: readonly Row[],
    batch: Batch,
    verifyFirst: boolean,
    count: { rows: number; dead_letters: number },
  ): Promise<boolean> {
    let missing = rows;
    let mustVerify = verifyFirst;
    for (let attempt = 0; missing.length > 0; attempt++) {
      if (batch.signal.aborted) return false;
      try {
        if (mustVerify) missing = await withoutStored(missing);
        if (missing.length > 0) await destination.insert(missing);
        refusedInARow = 0;
        return true;
      } catch (error) {
        if (!(error instanceof StoreError) || error.code === "store_config" || error.code === "store_locked")
          throw error;
        mustVerify = true;
        if (error.code === "store_data") {
          missing = await withoutRefused(await withoutStored(missing), error, count);
          continue;
        }
        const wait = backoff(attempt);
        logger.warn(
          { topic, log_partition: batch.partition, rows: missing.length, attempt, wait_ms: wait, err: error },
          "writer.insert_failed",
        );
        await clock.sleep(wait, batch.signal);
      }
    }
    return true;
  }

  async function withoutStored(rows: readonly Row[]): Promise<readonly Row[]> {
    const first = rows[0];
    const last = rows[rows.length - 1];
    if (first === undefined || last === undefined) return rows;
    const stored = await destination.storedOffsets({
      log_partition: first.log_partition,
      from: first.log_offset,
      to: last.log_offset,
    });
    return rows.filter((row) => !stored.has(row.log_offset));
  }

  /** Halves a refused block until the offending rows stand alone, dead-letters those, and returns what other trouble left over. */
  async function withoutRefused(
    rows: readonly Row[],
    error: StoreError,
    count: { rows: number; dead_letters: number },
  ): Promise<readonly Row[]> {
    if (rows.length <= 1) {
      if (rows.length === 1) {
        await deadLetterRow(rows[0]!, error);
        count.rows -= 1;
        count.dead_letters += 1;
        refusedInARow += 1;
        if (refusedInARow > REFUSED_IN_A_ROW_MAX) {
          throw new StoreError(
            "store_config",
            `the store refused ${refusedInARow} rows in a row; the last: ${error.message}`,
            { cause: error },
          );
        }
      }
      return [];
    }
    const middle = rows.length >> 1;
    const left: Row[] = [];
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      try {
        await destination.insert(half);
        refusedInARow = 0;
      } catch (failure) {
        if (failure instanceof StoreError && failure.code === "store_data")
          left.push(...(await withoutRefused(await withoutStored(half), failure, count)));
        else if (failure instanceof StoreError && failure.retryable) left.push(...half);
        else throw failure;
      }
    }
    return left;
  }

  async function deadLetterRow(row: Row, error: StoreError): Promise<void> {
    const records = await log.read(topic, row.log_partition, row.log_offset, { recordsMax: 1 });
    await deadLetter(
      records.map((record) => ({
        record,
        reason: `store:${error.clickhouseCode ?? "refused"}`,
        detail: error.message,
      })),
    );
  }

  async function deadLetter(rejected: readonly Rejected[]): Promise<void> {
    if (rejected.length === 0) return;
    await log.append(
      "plumbline.calls.dead_letter",
      rejected.map(({ record, reason, detail }) => ({
        key: record.key,
        // The original bytes, so that a replay loses nothing; what we know about them is in the headers.
        value: record.value,
        headers: {
          ...record.headers,
          topic,
          partition: String(record.partition),
          offset: String(record.offset),
          reason,
          detail: detail.slice(0, 512),
          first_seen: new Date(record.timestamp).toISOString(),
        },
      })),
    );
    logger.warn(
      { topic, dead_letters: rejected.length, reasons: [...new Set(rejected.map((each) => each.reason))] },
      "writer.dead_letter",
    );
  }

  async function* readRange(batch: Batch, from: number, to: number): AsyncGenerator<readonly LogRecord[]> {
    for (let offset = from; offset <= to && !batch.signal.aborted;) {
      const records = (
        await log.read(topic, batch.partition, offset, {
          recordsMax: Math.min(READ_RECORDS, to - offset + 1),
        })
      ).filter((record) => record.offset <= to);
      const last = records[records.length - 1];
      if (last === undefined) return;
      yield records;
      offset = last.offset + 1;
    }
  }
}

function backoff(attempt: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** attempt);
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

function writeIntent(intent: Intent): string {
  return JSON.stringify(intent);
}

function parseIntent(metadata: string): Intent | null {
  return metadata === "" ? null : Intent.parse(JSON.parse(metadata));
}
