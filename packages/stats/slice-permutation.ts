import { type PredicateTable, sumByPredicate } from "./predicate-table.ts";
import { quantile } from "./quantile.ts";
import { createRandom, shuffle } from "./random.ts";
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

export interface SlicePermutationOptions {
  readonly seed: number;
  /** Default 199, as in the live path; 999 in reports. */
  readonly permutations?: number;
  /** 1 to 3, as given to the search; default 3. At 1 only singles are compared. */
  readonly depthMax?: number;
}

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
  const largest = largestScore(table, context);
  const observed = largest(residuals);

  const random = createRandom(seed);
  const permuted = residuals.slice();
  const maxima = Float64Array.from({ length: permutations }, () => {
    shuffle(permuted, random);
    return largest(permuted);
  });
  const asLarge = maxima.filter((maximum) => maximum >= observed).length;
  // Permutations without any slice worse than the rest score −Infinity; a finite floor keeps the
  // interpolation defined.
  const floor = -sliceCost(context, 1);
  const critical = quantile(maxima.map((maximum) => Math.max(floor, maximum)).sort(), 0.99);
  return {
    pValue: (1 + asLarge) / (permutations + 1),
    observed,
    critical,
    zCritical: Math.sqrt(2 * Math.max(0, critical + sliceCost(context, 1))),
  };
}

/** The statistic as a function of residuals in any order; mean and sd do not change with it. */
function largestScore(table: PredicateTable, context: SliceContext): (residuals: Float64Array) => number {
  const size = table.names.length;
  const { rows: all, mean, sd } = context;
  const rowsMin = sliceRowsMin(context);
  const costSingle = sliceCost(context, 1);
  const costPair = sliceCost(context, 2);
  const pairs = context.depthMax >= 2 && size >= 2;
  const sums = new Float64Array(size);
  const scores = new Float64Array(size);

  const score = (sum: number, rows: number, cost: number): number => {
    if (sd === 0 || rows < rowsMin || all - rows < ROWS_OUTSIDE_MIN) return -Infinity;
    const excess = sum / rows - mean;
    return excess > 0 ? (excess * excess * rows * all) / ((all - rows) * sd * sd) / 2 - cost : -Infinity;
  };

  return (residuals) => {
    let largest = -Infinity;
    const beam: number[] = [];
    for (let predicate = 0; predicate < size; predicate++) {
      const rows = table.rows[predicate]!;
      let sum = 0;
      for (let i = 0; i < rows.length; i++) sum += residuals[rows[i]!]!;
      const single = score(sum, rows.length, costSingle);
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
        largest = Math.max(largest, score(sums[predicate]!, shared, costPair));
      }
    }
    return largest;
  };
}
