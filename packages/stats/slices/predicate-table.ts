import { RIDGE_UNITS } from "../baseline/ridge-baseline.ts";

/** A named yes/no property of units, with the units that have it. */
export interface Predicate {
  readonly name: string;
  /** Row numbers in [0, N), ascending and distinct. */
  readonly rows: ArrayLike<number>;
  /** Units of the baseline's reference that have it; left out, the baseline there counts as known exactly. */
  readonly referenceRows?: number;
}

/**
 * Predicates P by units N, in the layouts that a search needs: the rows of a
 * predicate (to sum over it), its bits (to intersect), the predicates of a row (to sum over all
 * children of a slice in one pass), and how many rows each pair shares.
 */
export interface PredicateTable {
  /** N */
  readonly rowCount: number;
  /** shape [P] */
  readonly names: readonly string[];
  /** shape [P]: ascending row numbers. */
  readonly rows: readonly Uint32Array[];
  /** shape [P]: bit i of the set is word i >>> 5, bit i & 31. */
  readonly bits: readonly Uint32Array[];
  /** shape [N + 1]: where the predicates of a row start in `predicatesOfRow`. */
  readonly offsets: Uint32Array;
  /** Predicate numbers, ascending inside a row. */
  readonly predicatesOfRow: Uint16Array;
  /** shape [P · P], row-major: units for which both predicates hold. */
  readonly pairRows: Uint32Array;
  /**
   * shape [P], at least 1: variance of the predicate's mean residual over what it would be if the baseline were known.
   * A conjunction has at least the largest of its predicates'.
   */
  readonly inflation: Float64Array;
}

/**
 * 1 + n/(n_ref + 30): `n` units are compared with an expectation that itself rests on n_ref units and on the thirty
 * pseudo-units of its ridge, so the difference varies by both.
 */
function baselineInflation(rows: number, referenceRows: number): number {
  return 1 + rows / (referenceRows + RIDGE_UNITS);
}

/** Search cost grows with the square of the number of predicates. */
const PREDICATES_MAX = 500;

/**
 * @param rowCount N >= 1
 * @param predicates shape [P], 1 <= P <= 500; names need not be distinct
 * @throws RangeError when a size is out of range or row numbers are not ascending, distinct and in [0, N)
 */
export function createPredicateTable(rowCount: number, predicates: readonly Predicate[]): PredicateTable {
  if (!(Number.isInteger(rowCount) && rowCount >= 1)) throw new RangeError(`predicates: ${rowCount} rows`);
  if (predicates.length < 1 || predicates.length > PREDICATES_MAX) {
    throw new RangeError(`predicates: ${predicates.length}, 1 to ${PREDICATES_MAX} needed`);
  }
  const rows = predicates.map((predicate) => Uint32Array.from(predicate.rows));
  const offsets = new Uint32Array(rowCount + 1);
  const bits = rows.map((list, p) => {
    const words = new Uint32Array((rowCount + 31) >>> 5);
    let previous = -1;
    for (const row of list) {
      if (row <= previous || row >= rowCount)
        throw new RangeError(`predicates: row ${row} of ${predicates[p]!.name}`);
      words[row >>> 5]! |= 1 << (row & 31);
      offsets[row + 1]!++;
      previous = row;
    }
    return words;
  });
  for (let row = 0; row < rowCount; row++) offsets[row + 1]! += offsets[row]!;

  const predicatesOfRow = new Uint16Array(offsets[rowCount]!);
  const next = offsets.slice(0, rowCount);
  rows.forEach((list, p) => {
    for (const row of list) predicatesOfRow[next[row]!++] = p;
  });
  const names = predicates.map(({ name }) => name);
  const inflation = Float64Array.from(predicates, ({ referenceRows = Infinity }, p) =>
    baselineInflation(rows[p]!.length, referenceRows),
  );
  return { rowCount, names, rows, bits, offsets, predicatesOfRow, pairRows: countPairs(bits), inflation };
}

function countPairs(bits: readonly Uint32Array[]): Uint32Array {
  const size = bits.length;
  const shared = new Uint32Array(size * size);
  for (let a = 0; a < size; a++) {
    for (let b = a; b < size; b++) {
      const left = bits[a]!;
      const right = bits[b]!;
      let count = 0;
      for (let word = 0; word < left.length; word++) count += popcount(left[word]! & right[word]!);
      shared[a * size + b] = count;
      shared[b * size + a] = count;
    }
  }
  return shared;
}

/** Number of set bits of a 32-bit word. */
function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The rows for which every one of the predicates holds, ascending. All rows when there is none. */
export function conjunctionRows(table: PredicateTable, predicates: readonly number[]): Uint32Array {
  const [first, ...others] = predicates;
  if (first === undefined) return Uint32Array.from({ length: table.rowCount }, (_, row) => row);
  let rows = table.rows[first]!;
  for (const other of others) {
    const set = table.bits[other]!;
    const kept = new Uint32Array(rows.length);
    let size = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (((set[row >>> 5]! >>> (row & 31)) & 1) === 1) kept[size++] = row;
    }
    rows = kept.subarray(0, size);
  }
  return rows;
}

/**
 * Adds up a value over some rows, once for every predicate that holds there.
 *
 * @param rows ascending or not
 * @param values shape [N]
 * @param after only predicates of a higher number than this are needed; −1 for all
 * @param sums shape [P], overwritten: sums[p] = Σ values over the rows where p holds, for p > after
 */
export function sumByPredicate(
  table: PredicateTable,
  rows: Uint32Array,
  values: Float64Array,
  after: number,
  sums: Float64Array,
): void {
  const { offsets, predicatesOfRow } = table;
  sums.fill(0);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const value = values[row]!;
    const start = offsets[row]!;
    for (let at = offsets[row + 1]! - 1; at >= start; at--) {
      const predicate = predicatesOfRow[at]!;
      if (predicate <= after) break;
      sums[predicate]! += value;
    }
  }
}

/** Number of the rows that each predicate of a higher number than `after` holds for, shape [P]. */
export function countByPredicate(table: PredicateTable, rows: Uint32Array, after: number): Uint32Array {
  const { offsets, predicatesOfRow } = table;
  const counts = new Uint32Array(table.names.length);
  for (let i = 0; i < rows.length; i++) {
    const start = offsets[rows[i]!]!;
    for (let at = offsets[rows[i]! + 1]! - 1; at >= start; at--) {
      const predicate = predicatesOfRow[at]!;
      if (predicate <= after) break;
      counts[predicate]!++;
    }
  }
  return counts;
}
