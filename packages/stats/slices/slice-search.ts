import { type PredicateTable, conjunctionRows, countByPredicate, sumByPredicate } from "./predicate-table.ts";
import {
  SLICE_DEPTH_MAX,
  type SliceContext,
  sliceBound,
  sliceContext,
  sliceMdl,
  sliceRowsMin,
  sliceZ,
} from "./slice-score.ts";

/** A conjunction of predicates in which the new version is worse than elsewhere. */
export interface Slice {
  /** Predicate numbers, ascending. */
  readonly predicates: readonly number[];
  /** Units inside. */
  readonly rows: number;
  /** Excess of its mean residual, in standard errors of the current units and of the baseline together. */
  readonly z: number;
  /** In nats; above 0 the slice is worth its name. */
  readonly mdl: number;
}

interface SliceSearch {
  /** The slice with the largest MDL, even below 0; missing when none is worse than the rest. */
  readonly best?: Slice;
  /** At most three slices with MDL > 0, best first. */
  readonly slices: readonly Slice[];
}

/** At most this many slices are reported. */
const SLICES_MAX = 3;
/** A child that keeps more of a parent than this is the same slice with a longer name. */
const OVERLAP_MAX = 0.95;
/** Limits triples where bounds do not: at most this many (row, predicate) visits, about 0.1 s. */
const TRIPLE_VISITS_MAX = 20_000_000;

interface SlicesOptions {
  /** 1 to 3 predicates in a conjunction; default 3. */
  readonly depthMax?: number;
  /** Least score of a slice after the first, nats; default 0. */
  readonly laterMdlMin?: number;
}

/**
 * The slices that best explain a drop: greedy, at most three, each with MDL > 0.
 *
 * After the best slice its excess (mean inside minus mean outside) is taken off the residuals
 * inside it, and the search is repeated; `z` and `mdl` of a later slice are after correction for
 * the earlier ones. With the `critical` of the permutation test as `laterMdlMin` a further slice
 * must explain more of what is left than chance does in 99 of 100 cases, so that the list is
 * minimal. Deterministic; ties go to the predicate listed first.
 *
 * @param residuals shape [N], from `standardisedResiduals`
 * @throws RangeError when shapes differ or the depth is out of range
 *
 * @see Sagadeeva & Boehm, SliceLine, SIGMOD 2021; Chung et al., Slice Finder, TKDE 32 (2020)
 */
export function findSlices(
  table: PredicateTable,
  residuals: Float64Array,
  { depthMax = SLICE_DEPTH_MAX, laterMdlMin = 0 }: SlicesOptions = {},
): SliceSearch {
  const best = findBestSlice(table, residuals, depthMax);
  if (best === undefined) return { slices: [] };
  const left = residuals.slice();
  const slices: Slice[] = [];
  for (let next: Slice | undefined = best; next !== undefined && next.mdl > 0;) {
    if (slices.length > 0 && next.mdl < laterMdlMin) break;
    slices.push(next);
    if (slices.length === SLICES_MAX) break;
    takeOffExcess(left, conjunctionRows(table, next.predicates));
    next = findBestSlice(table, left, depthMax);
  }
  return { best, slices };
}

/**
 * The conjunction with the largest MDL score, by level-wise search.
 *
 * A slice is narrowed only while `sliceBound` says that something below it can still win, best
 * scores first. Nothing is missed among singles and pairs; growing pairs into triples stops after
 * 20 million visits. Children that keep more than 95% of a parent are dropped.
 *
 * @returns undefined when no slice is worse than the rest and large enough
 * @throws RangeError as `findSlices`
 */
export function findBestSlice(
  table: PredicateTable,
  residuals: Float64Array,
  depthMax = SLICE_DEPTH_MAX,
): Slice | undefined {
  if (residuals.length !== table.rowCount) {
    throw new RangeError(`findBestSlice: ${residuals.length} residuals, ${table.rowCount} rows`);
  }
  const context = sliceContext(residuals, table.names.length, depthMax);
  const visitsPerRow = table.predicatesOfRow.length / table.rowCount;
  let level = singles(table, residuals, context);
  let best = bestOf(level, undefined);
  for (let depth = 1; depth < depthMax; depth++) {
    const children: Candidate[] = [];
    let visits = 0;
    for (const parent of level.sort((a, b) => b.mdl - a.mdl)) {
      if (depth > 1 && visits > TRIPLE_VISITS_MAX) break;
      const rows = conjunctionRows(table, parent.predicates);
      visits += rows.length * visitsPerRow;
      const bound = sliceBound(context, { ...parent, depth, positive: positiveSum(rows, residuals) });
      if (!(bound > (best?.mdl ?? -Infinity))) continue;
      const born = childrenOf(parent, rows, table, residuals, context);
      best = bestOf(born, best);
      children.push(...born);
    }
    level = children;
  }
  if (best === undefined || best.mdl === -Infinity) return undefined;
  const z = sliceZ(context, best) / Math.sqrt(best.inflation);
  return { predicates: best.predicates, rows: best.rows, z, mdl: best.mdl };
}

interface Candidate {
  readonly predicates: readonly number[];
  readonly rows: number;
  readonly sum: number;
  readonly inflation: number;
  readonly mdl: number;
}

function singles(table: PredicateTable, residuals: Float64Array, context: SliceContext): Candidate[] {
  const rowsMin = sliceRowsMin(context);
  return table.rows.flatMap((members, predicate) => {
    const rows = members.length;
    if (rows < rowsMin) return [];
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += residuals[members[i]!]!;
    const inflation = table.inflation[predicate]!;
    const mdl = sliceMdl(context, { rows, sum, depth: 1, inflation });
    return [{ predicates: [predicate], rows, sum, inflation, mdl }];
  });
}

/** All children by one more predicate of a higher number, in one pass over the parent's rows. */
function childrenOf(
  parent: Candidate,
  parentRows: Uint32Array,
  table: PredicateTable,
  residuals: Float64Array,
  context: SliceContext,
): Candidate[] {
  const size = table.names.length;
  const depth = parent.predicates.length + 1;
  const last = parent.predicates.at(-1)!;
  const sums = new Float64Array(size);
  sumByPredicate(table, parentRows, residuals, last, sums);
  const counts =
    depth === 2
      ? table.pairRows.subarray(last * size, (last + 1) * size)
      : countByPredicate(table, parentRows, last);

  const rowsMin = sliceRowsMin(context);
  const children: Candidate[] = [];
  for (let predicate = last + 1; predicate < size; predicate++) {
    const rows = counts[predicate]!;
    const smallestParent = Math.min(parent.rows, table.rows[predicate]!.length);
    if (rows < rowsMin || rows > OVERLAP_MAX * smallestParent) continue;
    const sum = sums[predicate]!;
    const inflation = Math.max(parent.inflation, table.inflation[predicate]!);
    const mdl = sliceMdl(context, { rows, sum, depth, inflation });
    children.push({ predicates: [...parent.predicates, predicate], rows, sum, inflation, mdl });
  }
  return children;
}

function bestOf(candidates: readonly Candidate[], best: Candidate | undefined): Candidate | undefined {
  let winner = best;
  for (const one of candidates) if (winner === undefined || one.mdl > winner.mdl) winner = one;
  return winner;
}

function positiveSum(rows: Uint32Array, residuals: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) {
    const r = residuals[rows[i]!]!;
    if (r > 0) sum += r;
  }
  return sum;
}

/** Lowers the residuals inside until their mean equals the mean outside. */
function takeOffExcess(residuals: Float64Array, inside: Uint32Array): void {
  let total = 0;
  for (const r of residuals) total += r;
  let sum = 0;
  for (const row of inside) sum += residuals[row]!;
  const excess = sum / inside.length - (total - sum) / (residuals.length - inside.length);
  for (const row of inside) residuals[row]! -= excess;
}
