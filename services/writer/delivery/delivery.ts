/**
 * Moves one topic into one table so that every record is there exactly once in effect, through kill -9 of any
 * process at any point.
 *
 * A batch is one contiguous range of offsets of one partition. Before its insert the range is committed as an
 * *intent*; after it, the offset one past its end (`cursor.ts`). Whoever takes over a partition asks the store which
 * offsets it lacks and inserts only those (`recovery.ts`). An insert is one part per table and day and may be half done,
 * so every failed or unanswered insert is ended and verified before it is repeated (`insert-until-stored.ts`).
 * ClickHouse's `insert_deduplication_token` would be simpler and loses rows on plain tables: the engine remembers a token
 * whose rows a crash or a loss of power took, and answers the insert that brings them back with success and no row.
 *
 * Whatever goes wrong, the partition forgets what it knows, waits, and takes itself over again, as a new process would:
 * nothing depends on how far it came, no other partition waits for it, and its state says what holds it up.
 */
import {
  LogError,
  type Assignment,
  type Batch,
  type Clock,
  type EventLog,
  type Gap,
  type LogRecord,
  type Origin,
} from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { attemptWaitMs } from "./backoff.ts";
import type { IdleCursor } from "./cursor.ts";
import { DeadLetters, TooManyDeadLetters } from "./dead-letters.ts";
import type { Destination } from "./destination.ts";
import type { DeliveryHealth } from "./health.ts";
import { insertUntilStored, type InsertContext } from "./insert-until-stored.ts";
import { Interrupted, interruptIf } from "./interrupted.ts";
import { prepareRecords } from "./prepare-records.ts";
import { Recovery } from "./recovery.ts";

interface DeliveryDeps {
  readonly log: Pick<EventLog, "append" | "commit" | "committed" | "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: DeliveryHealth;
}

/** Rows of one insert. Fewer make more parts, which the engine then merges; more stall it on one huge block. */
const BLOCK_RECORDS = 10_000;
/** What a reader should ask the log for: two blocks, so that one is prepared while the other is inserted. */
export const BATCH_LIMITS = { recordsMax: 2 * BLOCK_RECORDS, bytesMax: 33_554_432 } as const;
/** Longest rest between two batches: the price of a fresh row under load. */
const REST_MS_MAX = 200;

interface Partition<State> {
  readonly assignment: number;
  readonly state: State;
  cursor: IdleCursor;
}

export class Delivery<Row extends Origin, State> {
  readonly #destination: Destination<Row, State>;
  readonly #deps: DeliveryDeps;
  readonly #partitions = new Map<number, Partition<State>>();
  /** Kept through pauses: what a partition's dead letters were, and how many. */
  readonly #deadLetters = new Map<number, DeadLetters>();

  constructor(destination: Destination<Row, State>, deps: DeliveryDeps) {
    this.#destination = destination;
    this.#deps = deps;
  }

  /**
   * Handles a batch of `log.subscribe`. Resolves when it is stored, or given up because its signal aborted; then its
   * intent stays open for whoever is next.
   *
   * @throws LogError when the partition or the log is somebody else's by now
   */
  readonly handle = (batch: Batch): Promise<void> => this.#untilDone(batch, () => this.#work(batch));

  /**
   * Takes a partition over before its first batch, where the log says that it is ours: what is to be recovered does not
   * wait for a new record.
   */
  readonly onAssigned = (assigned: Assignment): Promise<void> =>
    this.#untilDone(assigned, async () => void (await this.#takeOver(assigned, -1)));

  async #untilDone(assigned: Assignment, work: () => Promise<void>): Promise<void> {
    const { topic } = this.#destination;
    const { clock, health } = this.#deps;
    const { partition, signal } = assigned;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await work();
        health.running(topic, partition);
        return;
      } catch (error) {
        // What was held in memory may be ahead of what is durable.
        this.#partitions.delete(partition);
        if (error instanceof Interrupted || signal.aborted) break;
        if (isSomebodyElses(error)) throw error;
        await clock.sleep(this.#pause(partition, error, attempt), signal);
      }
    }
    health.forget(topic, partition);
  }

  /**
   * Notes records that can't be had: an audited range with fewer outcomes than offsets is what the gap scan finds.
   * Nothing is committed for it; the next batch begins after it.
   */
  readonly onGap = async ({ topic, partition, from, to, reason, detail }: Gap): Promise<void> => {
    const { clock, logger } = this.#deps;
    const offsets = to - from + 1;
    logger.error(
      { topic, log_partition: partition, from, to, offsets, reason, detail },
      "writer.records_missing",
    );
    await this.#destination.recordAudit({
      topic,
      log_partition: partition,
      from_offset: from,
      to_offset: to,
      rows: 0,
      duplicates: 0,
      dead_letters: 0,
      recovered: false,
      written_at: new Date(clock.now()).toISOString(),
    });
  };

  /** @returns how long to wait, ms */
  #pause(partition: number, error: unknown, attempt: number): number {
    const { health, logger } = this.#deps;
    const { topic } = this.#destination;
    const wait = error instanceof TooManyDeadLetters ? error.pauseMs : attemptWaitMs(attempt);
    const reason = error instanceof Error ? error.message : String(error);
    health.paused(topic, partition, reason);
    logger.error({ topic, log_partition: partition, attempt, wait_ms: wait, err: error }, "writer.paused");
    return wait;
  }

  async #work(batch: Batch): Promise<void> {
    const { clock } = this.#deps;
    const known = this.#partitions.get(batch.partition);
    const partition =
      known?.assignment === batch.assignment
        ? known
        : await this.#takeOver(batch, batch.records.at(-1)!.offset);
    const { next } = partition.cursor;
    const records = batch.records.filter((record) => record.offset >= next);
    if (records.length === 0) return;
    const started = clock.now();
    await this.#deliver(records, partition, batch);
    // An insert costs about the same for one row as for a thousand. Resting as long as one took keeps a trickle
    // fresh within milliseconds, lets batches grow under load, and bounds what inserting may cost; a backlog gets no rest.
    const isBehind = batch.highWatermark - partition.cursor.next > BLOCK_RECORDS;
    if (!isBehind) await clock.sleep(Math.min(clock.now() - started, REST_MS_MAX), batch.signal);
  }

  async #takeOver(assigned: Assignment, lastRead: number): Promise<Partition<State>> {
    const recovery = new Recovery(
      this.#destination,
      this.#deps,
      assigned,
      lastRead,
      this.#deadLettersOf(assigned.partition),
      this.#insertContext(assigned),
    );
    const partition = { assignment: assigned.assignment, ...(await recovery.takeOver()) };
    this.#partitions.set(assigned.partition, partition);
    return partition;
  }

  async #deliver(records: readonly LogRecord[], partition: Partition<State>, batch: Batch): Promise<void> {
    const { clock } = this.#deps;
    const started = performance.now();
    const from = records[0]!.offset;
    const to = records.at(-1)!.offset;
    const at = clock.now();
    interruptIf(batch.signal);
    const open = await partition.cursor.begin({ from, to }, at);

    const deadLetters = this.#deadLettersOf(batch.partition);
    const context = this.#insertContext(batch);
    const count = { rows: 0, duplicates: 0, dead_letters: 0 };
    let written = from - 1;
    let inserting: Promise<number> = Promise.resolve(0);
    const refuse = (refused: number): void => {
      count.rows -= refused;
      count.dead_letters += refused;
    };
    try {
      for (let start = 0; start < records.length; start += BLOCK_RECORDS) {
        // A block is prepared while the one before it is being inserted.
        const block = records.slice(start, start + BLOCK_RECORDS);
        const prepared = await prepareRecords(block, this.#destination, partition.state, at);
        await deadLetters.append(prepared.rejected, prepared.acceptedAfter, deadLetters.reading);
        count.rows += prepared.rows.length;
        count.duplicates += prepared.duplicates;
        count.dead_letters += prepared.rejected.length;
        refuse(await inserting);
        interruptIf(batch.signal);
        inserting = insertUntilStored(prepared.rows, false, context);
        // An error of this insert is seen at the next await; without a handler it would end the process before that.
        inserting.catch(() => undefined);
        written = block.at(-1)!.offset;
      }
      refuse(await inserting);
    } finally {
      // Whoever takes over must not meet an insert of ours that is still under way.
      await inserting.catch(() => undefined);
    }

    await this.#destination.recordAudit({
      topic: this.#destination.topic,
      log_partition: batch.partition,
      from_offset: from,
      to_offset: to,
      ...count,
      recovered: false,
      written_at: new Date(clock.now()).toISOString(),
    });
    partition.cursor = await open.finish({ from, to: written }, clock.now());
    deadLetters.forgetBelow(partition.cursor.next);
    this.#deps.logger.info(
      {
        topic: this.#destination.topic,
        log_partition: batch.partition,
        from,
        to,
        ...count,
        lag: batch.highWatermark - to - 1,
        duration_ms: Math.round(performance.now() - started),
      },
      "writer.batch",
    );
  }

  #deadLettersOf(partition: number): DeadLetters {
    let deadLetters = this.#deadLetters.get(partition);
    if (deadLetters === undefined) {
      deadLetters = new DeadLetters(this.#deps, this.#destination.topic, partition);
      this.#deadLetters.set(partition, deadLetters);
    }
    return deadLetters;
  }

  #insertContext({ partition, signal }: Assignment): InsertContext<Row> {
    const { log, clock, logger, health } = this.#deps;
    const { topic } = this.#destination;
    return {
      destination: this.#destination,
      log,
      clock,
      logger,
      deadLetters: this.#deadLettersOf(partition),
      partition,
      signal,
      onWait(reason) {
        if (reason === null) health.running(topic, partition);
        else health.paused(topic, partition, reason);
      },
    };
  }
}

/** The partition is another member's, or the log was closed or taken over: nothing here may go on with it. */
function isSomebodyElses(error: unknown): boolean {
  if (!(error instanceof LogError)) return false;
  return error.code === "not_assigned" || (error.code === "log_unavailable" && !error.retryable);
}
