import { isEverybodys, nameOf, type UseCaseGuard, type UseCaseKey } from "./use-case-guard.ts";

/** Rows kept for another try; of more than these the oldest are given up. */
const KEPT_MAX = 10_000;

/**
 * Inserts rows of many use cases in one block; where the store refuses it, those of each use case alone.
 *
 * @returns the rows that were not stored, for the next run
 * @throws faults that no use case causes; nothing is known to be stored then
 */
export async function insertApart<Row extends UseCaseKey>(
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
  const byUseCase = new Map<string, Row[]>();
  for (const row of rows) {
    const own = byUseCase.get(nameOf(row)) ?? [];
    own.push(row);
    byUseCase.set(nameOf(row), own);
  }
  const left: Row[] = [];
  for (const own of byUseCase.values()) {
    if (!(await guard.run(own[0]!, () => insert(own)))) left.push(...own);
  }
  return left.slice(-KEPT_MAX);
}
