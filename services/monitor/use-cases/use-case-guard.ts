/**
 * Keeps the failure of one use case from the others: caught, counted, logged with its name, and tried again later. Questions
 * about many use cases are asked in pages, so that a limit of the store that one of them exceeds stops no other.
 */
import { type Clock, LogError, StoreError } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { PartFailure } from "@plumbline/runtime/schedule";
import { groupBy, type UseCase, useCaseKey } from "../units/series.ts";

export interface UseCaseFailure extends PartFailure {
  readonly useCase: UseCase;
}

/** First rest of a use case that failed, ms of elapsed time; doubles with every failure. */
const REST_MS = 60_000;
const REST_MS_MAX = 3_600_000;
/** With more failures than this and no success, the run has failed and not its use cases. */
const FAILURES_ALONE_MAX = 20;

interface Failed {
  readonly failure: UseCaseFailure;
  readonly count: number;
  readonly restsUntil: number;
}

export class UseCaseGuard {
  readonly #job: string;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #logger: Logger;
  readonly #failed = new Map<string, Failed>();
  #succeeded = 0;
  #failures = 0;

  constructor(job: string, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#job = job;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A run of the job begins. */
  begin(): void {
    this.#succeeded = 0;
    this.#failures = 0;
  }

  /** isResting returns true while a use case that failed is left alone. */
  isResting(useCase: UseCase): boolean {
    const failed = this.#failed.get(useCaseKey(useCase));
    return failed !== undefined && this.#clock.monotonic() < failed.restsUntil;
  }

  /**
   * Does `work` for one use case, unless it rests.
   *
   * @returns true when it was done
   * @throws faults that no use case causes, such as a store that is away, and the error of a run in which nothing succeeds
   */
  async run(useCase: UseCase, work: () => Promise<void>): Promise<boolean> {
    if (this.isResting(useCase)) return false;
    try {
      await work();
    } catch (error) {
      this.fail(useCase, error);
      return false;
    }
    this.#succeeded += 1;
    this.#failed.delete(useCaseKey(useCase));
    return true;
  }

  /** Notes that other use cases were read: a failure beside them is a use case's own. */
  succeed(): void {
    this.#succeeded += 1;
  }

  /** Notes a failure. @throws as `run` does */
  fail(useCase: UseCase, error: unknown): void {
    if (isEverybodys(error)) throw error;
    this.#failures += 1;
    if (this.#succeeded === 0 && this.#failures > FAILURES_ALONE_MAX) throw error;
    const { tenant, env, use_case } = useCase;
    const known = this.#failed.get(useCaseKey(useCase));
    const count = (known?.count ?? 0) + 1;
    this.#failed.set(useCaseKey(useCase), {
      failure: {
        useCase: { tenant, env, use_case },
        part: `${tenant}/${env}/${use_case}`,
        error: error instanceof Error ? error.message : String(error),
      },
      count,
      restsUntil: this.#clock.monotonic() + Math.min(REST_MS_MAX, REST_MS * 2 ** Math.min(count - 1, 16)),
    });
    this.#logger.warn(
      { job: this.#job, tenant, env, use_case, failures: count, err: error },
      "monitor.use_case_failed",
    );
  }

  /** Use cases whose newest attempt failed. */
  failures(): readonly UseCaseFailure[] {
    return [...this.#failed.values()].map(({ failure }) => failure);
  }
}

/** isEverybodys returns true for faults that no use case causes: the log, or a store that doesn't answer at all. */
export function isEverybodys(error: unknown): boolean {
  if (error instanceof LogError) return true;
  return (
    error instanceof StoreError &&
    (error.code === "store_config" || error.code === "store_locked" || error.clickhouseCode === null)
  );
}

/** Rows kept for another try; of more than these the oldest are given up. */
const KEPT_MAX = 10_000;

/**
 * Inserts rows of many use cases in one block; where the store refuses it, those of each use case alone.
 *
 * @returns the rows that were not stored, for the next run
 * @throws faults that no use case causes; nothing is known to be stored then
 */
export async function insertApart<Row extends UseCase>(
  rows: readonly Row[],
  insert: (rows: readonly Row[]) => Promise<void>,
  guard: UseCaseGuard,
): Promise<Row[]> {
  if (rows.length === 0) return [];
  try {
    await insert(rows);
    return [];
  } catch (error) {
    if (isEverybodys(error)) throw error;
  }
  const left: Row[] = [];
  for (const own of groupBy(rows, useCaseKey).values()) {
    if (!(await guard.run(own[0]!, () => insert(own)))) left.push(...own);
  }
  return left.slice(-KEPT_MAX);
}

/** Use cases of the first page, and of the largest. */
const PAGE = 16;
const PAGE_MAX = 1_024;
/**
 * A full page with fewer rows than the first is followed by one twice as large; a page with more than the second by one
 * half as large.
 */
const ROWS_SMALL = 10_000;
const ROWS_LARGE = 50_000;

/** ClickHouse's codes for a question that is too large: rows, time, memory, bytes, rows or bytes. */
const TOO_LARGE_CODES: ReadonlySet<number | null> = new Set([158, 159, 241, 307, 396]);

function isTooLarge(error: unknown): boolean {
  return error instanceof StoreError && TOO_LARGE_CODES.has(error.clickhouseCode);
}

export class UseCasePages {
  #size = PAGE;

  /**
   * Asks about all use cases. A page that fails is asked again in halves, down to the use case that makes it fail.
   *
   * @param onFailed takes the error of a use case that can't be read
   * @param weigh rows of the store that an answer stands for
   * @throws faults that no use case causes
   */
  async read<Row>(
    useCases: readonly UseCase[],
    ask: (page: readonly UseCase[]) => Promise<readonly Row[]>,
    onFailed: (useCase: UseCase, error: unknown) => void,
    weigh: (row: Row) => number = () => 1,
  ): Promise<readonly Row[]> {
    const all: Row[] = [];
    const waiting: (readonly UseCase[])[] = [useCases];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next.length === 0) continue;
      const page = next.slice(0, this.#size);
      if (page.length < next.length) waiting.push(next.slice(page.length));
      try {
        const rows = await ask(page);
        for (const row of rows) all.push(row);
        const weight = rows.reduce((sum, row) => sum + weigh(row), 0);
        if (weight > ROWS_LARGE) this.#size = Math.max(1, page.length >> 1);
        else if (weight < ROWS_SMALL && page.length === this.#size)
          this.#size = Math.min(PAGE_MAX, 2 * this.#size);
      } catch (error) {
        if (isEverybodys(error)) throw error;
        if (page.length === 1) {
          onFailed(page[0]!, error);
          continue;
        }
        const middle = Math.ceil(page.length / 2);
        if (isTooLarge(error)) this.#size = middle;
        waiting.push(page.slice(middle), page.slice(0, middle));
      }
    }
    return all;
  }
}

/**
 * Asks about a span of time. One that is too large is asked in halves, down to `leastMs`.
 *
 * @param ask about [start, end), ms
 * @throws what the store says about a span that can't be halved further, or for another reason
 */
export async function readInTime<Row>(
  [start, end]: readonly [number, number],
  leastMs: number,
  ask: (start: number, end: number) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  try {
    return await ask(start, end);
  } catch (error) {
    const halfMs = Math.ceil((end - start) / 2 / leastMs) * leastMs;
    if (!isTooLarge(error) || halfMs >= end - start) throw error;
    const first = await readInTime([start, start + halfMs], leastMs, ask);
    return [...first, ...(await readInTime([start + halfMs, end], leastMs, ask))];
  }
}
