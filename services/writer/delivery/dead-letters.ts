/**
 * Records that can't become rows: appended to the dead-letter topic with their bytes and, in headers, what is known
 * about them.
 *
 * A faulty release of ours would make dead letters of everything. So more than `ALLOWED_IN_A_ROW` of them, or more than
 * `ALLOWED_SHARE` of the last ones, make the partition pause, in words. The pause ends by itself and lets through twice
 * as many as the one before: whoever looks has time to act, and a flood of bad records delays its neighbours by minutes.
 */
import { LogError, type Clock, type EventLog, type LogRecord } from "@plumbline/ports";
import { DEAD_LETTERS_TOPIC, type Topic, TOPICS } from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import { count } from "@plumbline/runtime/metrics";

interface Rejected {
  readonly record: LogRecord;
  /** Low-cardinality. */
  readonly reason: string;
  readonly detail: string;
}

/** A rejected record and how many were accepted between it and the rejected one before it. */
export interface RejectedInTurn extends Rejected {
  readonly acceptedBefore: number;
}

const ALLOWED_IN_A_ROW = 100;
const ALLOWED_SHARE = 0.05;
const WINDOW_RECORDS = 10_000;
const PAUSE_MS_MIN = 10_000;
const PAUSE_MS_MAX = 600_000;
const DETAIL_CHARS_MAX = 512;
/** Room for the headers of a record whose value has to be cut. */
const HEADERS_BYTES = 65_536;

/** Too many dead letters: the partition pauses for `pauseMs`, then goes on by itself. */
export class TooManyDeadLetters extends Error {
  readonly pauseMs: number;
  constructor(message: string, pauseMs: number) {
    super(message);
    this.name = "TooManyDeadLetters";
    this.pauseMs = pauseMs;
  }
}

/** Counts what became of the records of one partition. Outlives pauses, not the process: a restart begins anew. */
class DeadLetterGuard {
  readonly #subject: string;
  #inARow = 0;
  #seen = 0;
  #rejected = 0;
  #trips = 0;
  #calm = 0;

  /** @param subject what is counted, for the message: "records of plumbline.calls/0 could not be read" */
  constructor(subject: string) {
    this.#subject = subject;
  }

  accepted(count: number): void {
    if (count === 0) return;
    this.#inARow = 0;
    this.#calm += count;
    if (this.#calm >= WINDOW_RECORDS) this.#trips = 0;
    this.#see(count);
  }

  /** @throws TooManyDeadLetters before the one that would be too many */
  rejected(reason: string): void {
    const factor = 2 ** this.#trips;
    const isRow = this.#inARow >= ALLOWED_IN_A_ROW * factor;
    const isShare = this.#rejected >= ALLOWED_SHARE * WINDOW_RECORDS * factor;
    if (isRow || isShare) throw this.#trip(isRow, reason);
    this.#inARow += 1;
    this.#rejected += 1;
    this.#calm = 0;
    this.#see(1);
  }

  #see(count: number): void {
    this.#seen += count;
    if (this.#seen < WINDOW_RECORDS) return;
    // The window slides by forgetting half of what is known of it.
    this.#seen /= 2;
    this.#rejected /= 2;
  }

  #trip(isRow: boolean, reason: string): TooManyDeadLetters {
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#trips);
    const many = isRow
      ? `${this.#inARow} ${this.#subject} in a row`
      : `more than ${ALLOWED_SHARE * 100} % of the last ${WINDOW_RECORDS} ${this.#subject}`;
    this.#trips += 1;
    this.#inARow = 0;
    this.#rejected = 0;
    this.#seen = 0;
    this.#calm = 0;
    return new TooManyDeadLetters(
      `${many}, the last because of ${reason}: paused for ${pauseMs / 1000} s so that a faulty release does not drain the topic ` +
        "into the dead letters. If the release is at fault, stop it and start the one before; if the records are, nothing is to be done",
      pauseMs,
    );
  }
}

interface DeadLetterDeps {
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The dead letters of one partition. */
export class DeadLetters {
  readonly #deps: DeadLetterDeps;
  readonly #topic: Topic;
  /** Of these this process has written already: a recovery must not write them twice. */
  readonly #written = new Set<number>();
  readonly reading: DeadLetterGuard;
  readonly storing: DeadLetterGuard;

  constructor(deps: DeadLetterDeps, topic: Topic, partition: number) {
    this.#deps = deps;
    this.#topic = topic;
    this.reading = new DeadLetterGuard(`records of ${topic}/${partition} could not be read`);
    this.storing = new DeadLetterGuard(`rows of ${topic}/${partition} were refused by the store`);
  }

  has(offset: number): boolean {
    return this.#written.has(offset);
  }

  /** Everything below is committed and won't come again. */
  forgetBelow(offset: number): void {
    for (const each of this.#written) if (each < offset) this.#written.delete(each);
  }

  /**
   * Writes those that were not written yet, as far as the guard lets them.
   *
   * @throws TooManyDeadLetters when there are more; what was let through is written by then
   */
  async append(
    rejected: readonly RejectedInTurn[],
    acceptedAfter: number,
    guard: DeadLetterGuard,
  ): Promise<void> {
    const due: Rejected[] = [];
    let tooMany: unknown = null;
    for (const each of rejected) {
      guard.accepted(each.acceptedBefore);
      if (this.#written.has(each.record.offset)) continue;
      try {
        guard.rejected(each.reason);
      } catch (error) {
        tooMany = error;
        break;
      }
      due.push(each);
    }
    if (due.length > 0) await this.#write(due);
    if (tooMany !== null) throw tooMany;
    guard.accepted(acceptedAfter);
  }

  async #write(rejected: readonly Rejected[]): Promise<void> {
    const { log, logger } = this.#deps;
    // A dead letter that can't become a row lies where it belongs already; another one would come round again.
    const isDeadLetter = this.#topic === DEAD_LETTERS_TOPIC;
    try {
      if (!isDeadLetter)
        await log.append(
          DEAD_LETTERS_TOPIC,
          rejected.map((each) => this.#toRecord(each)),
        );
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== "record_too_large") throw error;
      for (const each of rejected) await this.#writeCut(each);
    }
    for (const { record, reason } of rejected) {
      this.#written.add(record.offset);
      count("dlq_total", { reason });
    }
    logger.warn(
      {
        topic: this.#topic,
        dead_letters: rejected.length,
        reasons: [...new Set(rejected.map((each) => each.reason))].slice(0, 20),
        first_offset: rejected[0]!.record.offset,
      },
      "writer.dead_letter",
    );
  }

  /** Of a record that is larger than the topic takes, which only other producers can write, the beginning is kept. */
  async #writeCut(rejected: Rejected): Promise<void> {
    const { value } = rejected.record;
    const room = TOPICS[DEAD_LETTERS_TOPIC].record_bytes_max - HEADERS_BYTES;
    const whole = this.#toRecord(rejected);
    const cut = value.byteLength <= room ? whole : { ...whole, value: value.subarray(0, room) };
    const { topic, partition, offset, reason, detail, first_seen } = whole.headers;
    const headers = {
      topic,
      partition,
      offset,
      reason,
      detail,
      first_seen,
      value_bytes: String(value.byteLength),
    };
    await this.#deps.log.append(DEAD_LETTERS_TOPIC, [{ ...cut, key: cut.key.slice(0, 200), headers }]);
  }

  #toRecord({ record, reason, detail }: Rejected) {
    return {
      key: record.key,
      // The original bytes, so that a replay loses nothing.
      value: record.value,
      headers: {
        ...record.headers,
        topic: this.#topic,
        partition: String(record.partition),
        offset: String(record.offset),
        reason,
        detail: detail.slice(0, DETAIL_CHARS_MAX),
        first_seen: new Date(this.#deps.clock.now()).toISOString(),
      },
    };
  }
}
