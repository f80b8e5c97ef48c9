/** Keeps the failure of one use case from the others: caught, counted, logged with its name, and tried again later. */
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
