import { type PredicateTable, sumByPredicate } from "./predicate-table.ts";
import { quantile } from "../special/quantile.ts";
import { createRandom, shuffle } from "../special/random.ts";
import { ROWS_OUTSIDE_MIN, type SliceContext, sliceContext, sliceCost, sliceRowsMin } from "./slice-score.ts";

export interface SlicePermutation {
  /** p_het, in (0, 1]: how often chance makes some slice look as bad as the worst one here. */
  readonly pValue: number;
  /** The largest MDL of singles and beam pairs in the data, in nats. */
  readonly observed: number;
  /** 99% quantile of the same over permutations, in nats. */
  readonly critical: number;
  /** z that a single slice needs to pass `critical`: sqrt( 2 (q99 + log P + log depth_max) ). */
  readonly zCritical: number;
}

interface SlicePermutationOptions {
  readonly seed: number;
  /** Default 199, as in the live path; 999 in reports. */
  readonly permutations?: number;
  /** 1 to 3, as given to the search; default 3. At 1 only singles are compared. */
  readonly depthMax?: number;
}

/** Permutations that are summed in one pass. */
const LANES = 4;
/** Singles whose pairs are compared as well; chosen anew in every permutation. */
const BEAM = 2;

/**
 * Permutation test of H0: the drop does not depend on the inputs.
 *
 * The residuals are permuted over the units; the statistic is the largest MDL score of all single
 * predicates and of all pairs with one of the two best singles, found in the same way in the
 * data and in every permutation. p = (1 + #{max* >= max})/(B + 1): exact whatever the overlap of
 * the predicates, never 0. O(B · (sum of slice sizes)).
 *
 * Permuted residuals say how far chance scatters the means of the current units. The data also carry the baseline's own
 * error, the same in every unit of a slice, so their z² is divided by the slice's `inflation` first.
 *
 * @param residuals shape [N], from `standardisedResiduals`
 * @throws RangeError when shapes differ or there are fewer than 19 permutations
 *
 * @see Westfall & Young, Resampling-Based Multiple Testing (1993)
 * @see Phipson & Smyth, Permutation p-values should never be zero, SAGMB 9 (2010)
 */
export function sliceHeterogeneityTest(
  table: PredicateTable,
  residuals: Float64Array,
  { seed, permutations = 199, depthMax }: SlicePermutationOptions,
): SlicePermutation {
  if (residuals.length !== table.rowCount) {
    throw new RangeError(`sliceHeterogeneityTest: ${residuals.length} residuals, ${table.rowCount} rows`);
  }
  if (!(permutations >= 19)) throw new RangeError(`sliceHeterogeneityTest: ${permutations} permutations`);
  const context = sliceContext(residuals, table.names.length, depthMax);
  const [observed] = largestScores(table, context, table.inflation)([residuals]);
  const largest = largestScores(table, context);

  const random = createRandom(seed);
  const permuted = residuals.slice();
  const maxima = new Float64Array(permutations);
  for (let done = 0; done < permutations; done += LANES) {
    const block = Array.from({ length: Math.min(LANES, permutations - done) }, () => {
      shuffle(permuted, random);
      return permuted.slice();
    });
    maxima.set(largest(block), done);
  }
  const asLarge = maxima.filter((maximum) => maximum >= observed!).length;
  // Permutations without any slice worse than the rest score −Infinity; a finite floor keeps the
  // interpolation defined.
  const floor = -sliceCost(context, 1);
  const critical = quantile(maxima.map((maximum) => Math.max(floor, maximum)).sort(), 0.99);
  return {
    pValue: (1 + asLarge) / (permutations + 1),
    observed: observed!,
    critical,
    zCritical: Math.sqrt(2 * Math.max(0, critical + sliceCost(context, 1))),
  };
}

/** The statistic as a function of up to four orders of the residuals; mean and sd do not change with the order. */
function largestScores(
  table: PredicateTable,
  context: SliceContext,
  inflation: Float64Array = new Float64Array(table.names.length).fill(1),
): (orders: readonly Float64Array[]) => number[] {
  const size = table.names.length;
  const { rows: all, mean, sd } = context;
  const rowsMin = sliceRowsMin(context);
  const costSingle = sliceCost(context, 1);
  const costPair = sliceCost(context, 2);
  const pairs = context.depthMax >= 2 && size >= 2;
  const lanes = new Float64Array(LANES * all);
  const singles = new Float64Array(LANES * size);
  const sums = new Float64Array(size);
  const scores = new Float64Array(size);

  const score = (sum: number, rows: number, cost: number, factor: number): number => {
    if (sd === 0 || rows < rowsMin || all - rows < ROWS_OUTSIDE_MIN) return -Infinity;
    const excess = sum / rows - mean;
    return excess > 0
      ? (excess * excess * rows * all) / ((all - rows) * sd * sd * factor) / 2 - cost
      : -Infinity;
  };

  return (orders) => {
    orders.forEach((residuals, lane) => {
      for (let row = 0; row < all; row++) lanes[LANES * row + lane] = residuals[row]!;
    });
    sumLanes(table, lanes, singles);
    return orders.map((residuals, lane) => largestOf(residuals, lane));
  };

  function largestOf(residuals: Float64Array, lane: number): number {
    let largest = -Infinity;
    const beam: number[] = [];
    for (let predicate = 0; predicate < size; predicate++) {
      const rows = table.rows[predicate]!.length;
      const single = score(singles[LANES * predicate + lane]!, rows, costSingle, inflation[predicate]!);
      scores[predicate] = single;
      if (single > largest) largest = single;
      if (!pairs || single === -Infinity) continue;
      beam.push(predicate);
      beam.sort((a, b) => scores[b]! - scores[a]!);
      if (beam.length > BEAM) beam.pop();
    }
    for (const parent of beam) {
      sumByPredicate(table, table.rows[parent]!, residuals, -1, sums);
      for (let predicate = 0; predicate < size; predicate++) {
        if (predicate === parent) continue;
        const shared = table.pairRows[parent * size + predicate]!;
        const factor = Math.max(inflation[parent]!, inflation[predicate]!);
        largest = Math.max(largest, score(sums[predicate]!, shared, costPair, factor));
      }
    }
    return largest;
  }
}

/**
 * Adds up four values a row at once, for every predicate: reading which rows a predicate has costs as much as adding.
 *
 * @param lanes shape [N · 4], row-major
 * @param sums  shape [P · 4], overwritten
 */
function sumLanes(table: PredicateTable, lanes: Float64Array, sums: Float64Array): void {
  for (let predicate = 0; predicate < table.rows.length; predicate++) {
    const rows = table.rows[predicate]!;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < rows.length; i++) {
      const at = LANES * rows[i]!;
      a += lanes[at]!;
      b += lanes[at + 1]!;
      c += lanes[at + 2]!;
      d += lanes[at + 3]!;
    }
    sums.set([a, b, c, d], LANES * predicate);
  }
}
