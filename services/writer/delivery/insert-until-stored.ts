/**
 * Writes rows until every one of them is in the store or in the dead letters.
 *
 * What an error means follows from its code. Trouble that passes is waited out for ever. A row that the store refuses is
 * cut out alone, its neighbours are stored. An error that nobody knows is repeated a few times and then taken for a
 * refusal. A configuration that a person must mend is thrown: the partition pauses.
 *
 * Before the store is asked what it lacks, inserts of the partition that its server still works on are ended, a killed
 * writer's as well: their rows would land behind the answer. One that a balancer holds back, or that a frozen writer sends
 * when it wakes, still lands: its rows are twice in the table and once in effect, for the table collapses them.
 */
import { StoreError, type Clock, type EventLog, type Origin } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { attemptWaitMs } from "./backoff.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Destination } from "./destination.ts";
import { interruptIf } from "./interrupted.ts";

/** Attempts before an unknown error counts as a refusal: some ten seconds. */
const UNKNOWN_ATTEMPTS_MAX = 5;
/** Rows cut out by their number in one block before it is halved instead: each costs an encoding of the block. */
const CUTS_MAX = 20;

export interface InsertContext<Row extends Origin> {
  readonly destination: Pick<Destination<Row, never>, "topic" | "insert" | "endInserts" | "storedOffsets">;
  readonly log: Pick<EventLog, "read">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deadLetters: DeadLetters;
  readonly partition: number;
  readonly signal: AbortSignal;
  /** Called with words while an insert has to wait, and with null when it went through. */
  readonly onWait: (reason: string | null) => void;
}

/** Why a block was refused, and by which row where the store said so. */
interface Refusal {
  readonly error: StoreError;
  readonly offset: number | null;
}

/**
 * @param verifyFirst some of the rows may be stored already
 * @returns how many rows went to the dead letters
 * @throws Interrupted, TooManyDeadLetters, StoreError `store_config` or `store_locked`, LogError
 */
export async function insertUntilStored<Row extends Origin>(
  rows: readonly Row[],
  verifyFirst: boolean,
  context: InsertContext<Row>,
): Promise<number> {
  const { destination, clock, logger, deadLetters, partition, signal, onWait } = context;
  const { topic } = destination;
  let missing: readonly Row[] = rows.filter((row) => !deadLetters.has(row.log_offset));
  let refused = rows.length - missing.length;
  let mustVerify = verifyFirst;
  let refusal: Refusal | null = null;
  let unknown = 0;
  let cuts = 0;

  for (let attempt = 0; missing.length > 0;) {
    interruptIf(signal);
    let isInserting = false;
    try {
      if (mustVerify) missing = await withoutStored(missing, context);
      isInserting = true;
      if (refusal === null) {
        if (missing.length > 0) await destination.insert(missing, mustVerify);
        deadLetters.storing.accepted(missing.length);
        break;
      }
      const known = missing.find((row) => row.log_offset === refusal?.offset);
      const before = missing.length;
      if (known !== undefined && cuts++ < CUTS_MAX) {
        await deadLetterRow(known, refusal.error, context);
        missing = missing.filter((row) => row !== known);
        refused += 1;
      } else {
        const apart = await takeApart(missing, refusal.error, context);
        refused += apart.refused;
        missing = apart.left;
      }
      refusal = null;
      if (missing.length < before) attempt = 0;
    } catch (error) {
      const failure = toStoreError(error);
      if (failure === null || isForPeople(failure)) throw error;
      mustVerify = true;
      if (failure.code === "store_unclassified") unknown += 1;
      if (isInserting && (isRefusal(failure) || unknown > UNKNOWN_ATTEMPTS_MAX)) {
        const row = failure.failedRow === null ? undefined : missing[failure.failedRow];
        refusal = { error: failure, offset: row?.log_offset ?? null };
        unknown = 0;
        continue;
      }
      const wait = attemptWaitMs(attempt++);
      onWait(`the store does not take rows: ${failure.message}. Retried until it does`);
      logger.warn(
        { topic, log_partition: partition, rows: missing.length, attempt, wait_ms: wait, err: failure },
        "writer.insert_failed",
      );
      await clock.sleep(wait, signal);
    }
  }
  onWait(null);
  return refused;
}

/** Halves a refused block until the offending rows stand alone. @returns rows that other trouble left over */
async function takeApart<Row extends Origin>(
  rows: readonly Row[],
  error: StoreError,
  context: InsertContext<Row>,
): Promise<{ left: readonly Row[]; refused: number }> {
  const { destination, deadLetters, signal } = context;
  if (rows.length === 0) return { left: [], refused: 0 };
  if (rows.length === 1) {
    await deadLetterRow(rows[0]!, error, context);
    return { left: [], refused: 1 };
  }
  const middle = rows.length >> 1;
  const left: Row[] = [];
  let refused = 0;
  for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
    interruptIf(signal);
    try {
      await destination.insert(half, true);
      deadLetters.storing.accepted(half.length);
    } catch (cause) {
      const failure = toStoreError(cause);
      if (failure === null || isForPeople(failure)) throw cause;
      if (!isRefusal(failure) && failure.code !== "store_unclassified") {
        left.push(...half);
        continue;
      }
      const apart = await takeApart(await withoutStored(half, context), failure, context);
      left.push(...apart.left);
      refused += apart.refused;
    }
  }
  return { left, refused };
}

async function withoutStored<Row extends Origin>(
  rows: readonly Row[],
  { destination }: InsertContext<Row>,
): Promise<readonly Row[]> {
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return rows;
  await destination.endInserts(first.log_partition);
  const stored = await destination.storedOffsets({
    log_partition: first.log_partition,
    from: first.log_offset,
    to: last.log_offset,
  });
  return rows.filter((row) => !stored.has(row.log_offset));
}

async function deadLetterRow<Row extends Origin>(
  row: Row,
  error: StoreError,
  { destination, log, deadLetters }: InsertContext<Row>,
): Promise<void> {
  const { topic } = destination;
  const [record] = await log.read(topic, row.log_partition, row.log_offset, { recordsMax: 1 });
  // Past its retention by now: nothing is left that could be replayed.
  if (record?.offset !== row.log_offset) return;
  const reason = `store:${error.clickhouseCode ?? "refused"}`;
  await deadLetters.append(
    [{ record, reason, detail: error.message, acceptedBefore: 0 }],
    0,
    deadLetters.storing,
  );
}

function isRefusal({ code }: StoreError): boolean {
  return code === "store_data";
}

function isForPeople({ code }: StoreError): boolean {
  return code === "store_config" || code === "store_locked";
}

/** An exception that nobody foresaw is our own fault with some row; of the row nothing is repeated. Null for the log's errors and ours. */
function toStoreError(error: unknown): StoreError | null {
  if (error instanceof StoreError) return error;
  if (!(error instanceof TypeError || error instanceof RangeError)) return null;
  return new StoreError("store_unclassified", `${error.name} while rows were written`);
}
