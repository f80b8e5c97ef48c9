/** Asks about many use cases in pages: a limit of the store that one of them exceeds stops no other. */
import { StoreError } from "@plumbline/ports";
import type { UseCase } from "../units/series.ts";
import { isEverybodys } from "./use-case-guard.ts";

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
