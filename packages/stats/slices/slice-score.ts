import { logChoose } from "../special/special.ts";

/** Deepest conjunction considered; a person reads "tier=pro and language=de and money", not more. */
export const SLICE_DEPTH_MAX = 3;

/** The whole of the units a slice is compared with. */
export interface SliceContext {
  /** N, units */
  readonly rows: number;
  /** Mean and population standard deviation of the residuals over all units. */
  readonly mean: number;
  readonly sd: number;
  /** Largest residual. */
  readonly max: number;
  /** P, predicates to choose from. */
  readonly predicates: number;
  readonly depthMax: number;
}

/** One slice as the score sees it. */
interface SliceSums {
  /** n, units inside */
  readonly rows: number;
  /** Sum of their residuals. */
  readonly sum: number;
  /** Number of predicates in the conjunction. */
  readonly depth: number;
  /** Variance of its mean residual over that with a baseline known exactly; default 1. */
  readonly inflation?: number;
}

/**
 * Standardised residuals against the frozen baseline: r = (b − x)/sqrt(b(1 − b)).
 *
 * Positive where the new version is worse than expected; mean 0 and variance about 1 under no
 * change, for verdicts.
 *
 * @param baseline shape [N]: expected score, strictly between 0 and 1
 * @param scores   shape [N], in [0, 1]
 * @throws RangeError when shapes differ or a baseline is 0, 1 or outside
 */
export function standardisedResiduals(baseline: ArrayLike<number>, scores: ArrayLike<number>): Float64Array {
  if (baseline.length !== scores.length) {
    throw new RangeError(`standardisedResiduals: ${baseline.length} baselines, ${scores.length} scores`);
  }
  return Float64Array.from({ length: scores.length }, (_, i) => {
    const b = baseline[i]!;
    if (!(b > 0 && b < 1)) throw new RangeError(`standardisedResiduals: baseline ${b}`);
    return (b - scores[i]!) / Math.sqrt(b * (1 - b));
  });
}

/** Describes the residuals of all units once, for any number of slices. */
export function sliceContext(
  residuals: ArrayLike<number>,
  predicates: number,
  depthMax = SLICE_DEPTH_MAX,
): SliceContext {
  const rows = residuals.length;
  if (rows < 2) throw new RangeError(`sliceContext: ${rows} rows`);
  if (!(predicates >= 1)) throw new RangeError(`sliceContext: ${predicates} predicates`);
  if (!(Number.isInteger(depthMax) && depthMax >= 1 && depthMax <= SLICE_DEPTH_MAX)) {
    throw new RangeError(`sliceContext: depth ${depthMax}`);
  }
  let sum = 0;
  let max = -Infinity;
  for (let i = 0; i < rows; i++) {
    sum += residuals[i]!;
    max = Math.max(max, residuals[i]!);
  }
  const mean = sum / rows;
  let squares = 0;
  for (let i = 0; i < rows; i++) squares += (residuals[i]! - mean) ** 2;
  return { rows, mean, sd: Math.sqrt(squares / rows), max, predicates, depthMax };
}

/** Fewest units a slice may hold: max(10, 0.5% of all). As many as 10 must lie outside. */
export function sliceRowsMin({ rows }: Pick<SliceContext, "rows">): number {
  return Math.max(10, Math.ceil(0.005 * rows));
}

/** Fewest units outside a slice. */
export const ROWS_OUTSIDE_MIN = 10;

/**
 * Distance of a slice's mean residual above that of all units, in standard errors of the current units alone.
 *
 * z_S = (mean_S r − r̄) sqrt( n N/(N − n) ) / sd. About standard normal when the drop does not
 * depend on the slice. Does not depend on how slices or units are named or ordered. 0 when all
 * residuals are equal or the slice is everything.
 */
export function sliceZ(context: SliceContext, { rows, sum }: Pick<SliceSums, "rows" | "sum">): number {
  return zAt(context, rows, sum / rows);
}

/**
 * Minimum-description-length score of a slice, in nats: z²/(2 f) − log C(P, depth) − log depth_max.
 *
 * Evidence that the slice explains, minus the price of naming it. A deeper slice must pay for itself. The factor f is the
 * slice's `inflation`: what a baseline fitted on few units got wrong is no evidence against the new version.
 *
 * @returns −Infinity for a slice that is not worse than the rest, has fewer than max(10, 0.5%)
 *   units, or leaves fewer than 10 outside
 *
 * @see Rissanen, Modeling by shortest data description, Automatica 14 (1978)
 */
export function sliceMdl(context: SliceContext, slice: SliceSums): number {
  const { rows, depth, inflation = 1 } = slice;
  if (rows < sliceRowsMin(context) || context.rows - rows < ROWS_OUTSIDE_MIN) return -Infinity;
  const z = sliceZ(context, slice);
  return z > 0 ? (z * z) / (2 * inflation) - sliceCost(context, depth) : -Infinity;
}

/** The price of naming `depth` of P predicates, in nats. */
export function sliceCost(
  { predicates, depthMax }: Pick<SliceContext, "predicates" | "depthMax">,
  depth: number,
) {
  return logChoose(predicates, depth) + Math.log(depthMax);
}

/**
 * Upper bound of the MDL of everything a slice can be narrowed to.
 *
 * The best descendant keeps every positive residual of S and nothing else: R⁺ their sum,
 * r_max the largest residual, then a descendant of n' units has a mean of at most
 * min(r_max, R⁺/n'). z at that mean rises in n' up to R⁺/r_max and has no inner maximum above,
 * so the largest of the values at both sides of R⁺/r_max and at both ends of the admissible
 * sizes bounds them all. The price is that of the cheapest deeper conjunction, and the inflation that of S, since
 * more predicates never make it smaller.
 *
 * @param positive R⁺ of the slice
 * @returns −Infinity when nothing below can qualify
 *
 * @see Sagadeeva & Boehm, SliceLine, SIGMOD 2021 (level-wise bounds)
 */
export function sliceBound(context: SliceContext, slice: SliceSums & { readonly positive: number }): number {
  const smallest = sliceRowsMin(context);
  const largest = Math.min(slice.rows, context.rows - ROWS_OUTSIDE_MIN);
  if (slice.depth >= context.depthMax || largest < smallest || !(context.max > 0)) return -Infinity;
  const turn = slice.positive / context.max;
  let z = 0;
  for (const size of [smallest, Math.floor(turn), Math.ceil(turn), largest]) {
    const rows = Math.min(largest, Math.max(smallest, size));
    z = Math.max(z, zAt(context, rows, Math.min(context.max, slice.positive / rows)));
  }
  let cost = Infinity;
  for (let depth = slice.depth + 1; depth <= Math.min(context.depthMax, context.predicates); depth++) {
    cost = Math.min(cost, sliceCost(context, depth));
  }
  return z > 0 ? (z * z) / (2 * (slice.inflation ?? 1)) - cost : -Infinity;
}

function zAt({ rows: all, mean, sd }: SliceContext, rows: number, meanInside: number): number {
  if (sd === 0 || rows >= all) return 0;
  return ((meanInside - mean) * Math.sqrt((rows * all) / (all - rows))) / sd;
}
