/**
 * Takes a partition over: makes sure that everything below the cursor, and all of an open intent, is in the store.
 *
 * The store is asked which offsets it lacks, and only those are read from the log again. An open intent may be half
 * written. Below it, a loss of power may have taken the rows of the last minutes, for the log syncs its disk and the
 * store does not; and a store that was put back from an older copy lacks everything since. All three are one question.
 */
import type { Assignment, Clock, EventLog, LogRecord, Origin } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { readCursor, type IdleCursor, type OpenCursor } from "./cursor.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Destination, Run } from "./destination.ts";
import { insertUntilStored, type InsertContext } from "./insert-until-stored.ts";
import { interruptIf } from "./interrupted.ts";
import { groupRuns, overlap, runAt, unexplainedRuns } from "./missing-ranges.ts";
import { prepareRecords } from "./prepare-records.ts";
import { readRange } from "./read-range.ts";

/** Offsets that one question to the store is about. */
const WINDOW_OFFSETS = 200_000;
/** Missing runs no further apart than this are read in one go. */
const APART_MAX = 200;

interface RecoveryDeps {
  readonly log: Pick<EventLog, "commit" | "committed" | "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Recovered<State> {
  readonly cursor: IdleCursor;
  readonly state: State;
}

interface Counts {
  rows: number;
  duplicates: number;
  dead_letters: number;
}

export class Recovery<Row extends Origin, State> {
  readonly #destination: Destination<Row, State>;
  readonly #deps: RecoveryDeps;
  readonly #assigned: Assignment;
  readonly #lastRead: number;
  readonly #deadLetters: DeadLetters;
  readonly #insert: InsertContext<Row>;
  readonly #state: State;
  /** Everything up to here that `state` must know, it knows. */
  #remembered = -1;
  /** Offsets of an open intent that the store lacked, and what became of them. */
  #missing = 0;
  readonly #found: Counts = { rows: 0, duplicates: 0, dead_letters: 0 };
  #refilled = 0;

  /** @param lastRead offset of a record that was handed over; -1 when none was yet */
  constructor(
    destination: Destination<Row, State>,
    deps: RecoveryDeps,
    assigned: Assignment,
    lastRead: number,
    deadLetters: DeadLetters,
    insert: InsertContext<Row>,
  ) {
    this.#destination = destination;
    this.#deps = deps;
    this.#assigned = assigned;
    this.#lastRead = lastRead;
    this.#deadLetters = deadLetters;
    this.#insert = insert;
    this.#state = destination.createState();
  }

  /** @throws Interrupted when the partition's signal aborted: then nothing was committed */
  async takeOver(): Promise<Recovered<State>> {
    const { log, clock, logger } = this.#deps;
    const { topic, group } = this.#destination;
    const { partition, signal } = this.#assigned;
    const mark = (await log.watermarks(topic)).find((each) => each.partition === partition);
    const { low = 0, high = 0 } = mark ?? {};
    const cursor = await readCursor({ log, group, topic, partition }, high, clock.now());
    const open = cursor.kind === "open" ? cursor.range : null;
    const end = cursor.kind === "open" ? cursor.range.to + 1 : cursor.next;
    const unfinished = open?.from ?? end;
    if (low > unfinished) {
      logger.error(
        { topic, log_partition: partition, from: unfinished, to: low - 1 },
        "writer.records_expired",
      );
    }
    const from = Math.min(unfinished, Math.max(low, await this.#firstToVerify(cursor)));
    interruptIf(signal);

    let verified = from - 1;
    while (verified < end - 1) {
      const range = { from: verified + 1, to: Math.min(end, verified + 1 + WINDOW_OFFSETS) - 1 };
      await this.#fill(range, cursor);
      verified = range.to;
    }
    await this.#remember({ from: end - this.#destination.memoryOffsets, to: end - 1 });
    interruptIf(signal);

    if (open !== null || this.#refilled > 0) {
      const { rows } = this.#found;
      logger.info(
        {
          topic,
          log_partition: partition,
          verified_from: from,
          intent: open,
          rows,
          refilled: this.#refilled,
        },
        "writer.recovered",
      );
    }
    if (cursor.kind === "idle") return { cursor: cursor.confirmed(clock.now()), state: this.#state };
    await this.#audit(cursor.range, {
      ...this.#found,
      rows: cursor.range.to - cursor.range.from + 1 - this.#missing + this.#found.rows,
    });
    return { cursor: await cursor.finish({ from, to: verified }, clock.now()), state: this.#state };
  }

  /** The end of what is surely on the store's disk: older than minutes, unless the store is an older copy of itself. */
  async #firstToVerify(cursor: IdleCursor | OpenCursor): Promise<number> {
    const last = await this.#destination.lastStored(this.#assigned.partition);
    return last === null ? cursor.settled : Math.min(cursor.settled, last + 1);
  }

  /** Brings the store to hold everything of a range of at most `WINDOW_OFFSETS`. */
  async #fill(range: Run, cursor: IdleCursor | OpenCursor): Promise<void> {
    const { partition } = this.#assigned;
    const asked = { log_partition: partition, ...range };
    const missing = await this.#destination.missingRuns(asked);
    if (cursor.kind === "open") this.#missing += overlap(missing, cursor.range);
    if (missing.length === 0) return;
    const audits = await this.#destination.audits(asked);
    const runs = unexplainedRuns(missing, audits, range);
    for (const group of groupRuns(runs, APART_MAX)) await this.#fillGroup(group, cursor);
    for (const run of runs) {
      const isNoted = audits.some(({ from, to }) => from <= run.to && to >= run.from);
      const isOpen = cursor.kind === "open" && run.to >= cursor.range.from;
      const counts = this.#countsOf.get(run);
      if (!isNoted && !isOpen && counts?.rows !== run.to - run.from + 1)
        await this.#audit(run, counts ?? { rows: 0, duplicates: 0, dead_letters: 0 });
    }
    this.#countsOf.clear();
  }

  readonly #countsOf = new Map<Run, Counts>();

  async #fillGroup(runs: readonly Run[], cursor: IdleCursor | OpenCursor): Promise<void> {
    const { topic, memoryOffsets } = this.#destination;
    const { partition, signal } = this.#assigned;
    const from = runs[0]!.from;
    const to = runs.at(-1)!.to;
    const openFrom = cursor.kind === "open" ? cursor.range.from : Number.POSITIVE_INFINITY;
    const at = cursor.kind === "open" ? cursor.at : this.#deps.clock.now();
    // The last offset of an intent, finished or open, is known to hold a record; so is that of a record handed over.
    const last = cursor.kind === "open" ? cursor.range.to : cursor.next - 1;
    const anchor = Math.max(this.#lastRead, last);
    await this.#remember({ from: from - memoryOffsets, to });
    for await (const read of readRange(this.#deps.log, { topic, partition, from, to, anchor, signal })) {
      const wanted = read.filter(({ offset }) => runAt(runs, offset) !== undefined);
      const before = wanted.filter(({ offset }) => offset < openFrom);
      const open = wanted.slice(before.length);
      await this.#deliver(before, at, runs, false);
      await this.#deliver(open, at, runs, true);
    }
  }

  async #deliver(
    records: readonly LogRecord[],
    at: number,
    runs: readonly Run[],
    isOpen: boolean,
  ): Promise<void> {
    if (records.length === 0) return;
    const prepared = await prepareRecords(records, this.#destination, this.#state, at);
    const { rows, rejected, duplicates, acceptedAfter } = prepared;
    // Below an open intent they were written before the offset was committed.
    if (isOpen) await this.#deadLetters.append(rejected, acceptedAfter, this.#deadLetters.reading);
    const refused = await insertUntilStored(rows, true, this.#insert);
    const counts = { rows: rows.length - refused, duplicates, dead_letters: rejected.length + refused };
    if (isOpen) add(this.#found, counts);
    else this.#refilled += counts.rows;
    for (const { log_offset } of rows) add(this.#ofRun(runs, log_offset), { ...NOTHING, rows: 1 });
    for (const { record } of rejected) add(this.#ofRun(runs, record.offset), { ...NOTHING, dead_letters: 1 });
  }

  #ofRun(runs: readonly Run[], offset: number): Counts {
    const run = runAt(runs, offset)!;
    const counts = this.#countsOf.get(run) ?? { ...NOTHING };
    this.#countsOf.set(run, counts);
    return counts;
  }

  async #remember({ from, to }: Run): Promise<void> {
    if (this.#destination.memoryOffsets === 0) return;
    const start = Math.max(0, from, this.#remembered + 1);
    if (start <= to)
      await this.#destination.remember(this.#state, {
        log_partition: this.#assigned.partition,
        from: start,
        to,
      });
    this.#remembered = Math.max(this.#remembered, to);
  }

  async #audit({ from, to }: Run, counts: Counts): Promise<void> {
    await this.#destination.recordAudit({
      topic: this.#destination.topic,
      log_partition: this.#assigned.partition,
      from_offset: from,
      to_offset: to,
      ...counts,
      recovered: true,
      written_at: new Date(this.#deps.clock.now()).toISOString(),
    });
  }
}

const NOTHING: Readonly<Counts> = { rows: 0, duplicates: 0, dead_letters: 0 };

function add(sum: Counts, { rows, duplicates, dead_letters }: Readonly<Counts>): void {
  sum.rows += rows;
  sum.duplicates += duplicates;
  sum.dead_letters += dead_letters;
}
