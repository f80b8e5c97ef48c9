import { quantile } from "./quantile.ts";
import { createRandom, shuffle } from "./random.ts";

/** Points of one sample: shape [n, d]. */
export type Points = readonly (readonly number[])[];

/** Above this many points a side the exact kernel matrix is refused; use `mmdRandomFourier`. */
export const MMD_EXACT_ROWS_MAX = 500;

/**
 * Unbiased squared maximum mean discrepancy with a Gaussian kernel.
 *
 * MMD² = mean_{i≠j} k(xᵢ, xⱼ) + mean_{i≠j} k(yᵢ, yⱼ) − 2 mean k(xᵢ, yⱼ),
 * k(a, b) = exp(−|a − b|²/(2 sigma²)). Mean 0 under no change, hence sometimes negative; at most
 * 2. Display only: MMD has no natural material scale. O((n + m)² d).
 *
 * @param x shape [n, d], 2 <= n <= 500
 * @param y shape [m, d], 2 <= m <= 500
 * @param sigma > 0: `medianHeuristic` of the reference, frozen
 * @throws RangeError when a size, a dimension or sigma is invalid
 *
 * @see Gretton et al., A kernel two-sample test, JMLR 13 (2012), Lemma 6
 */
export function mmdUnbiased(x: Points, y: Points, sigma: number): number {
  const { kernel, n, m } = pooledKernel(x, y, sigma);
  return unbiased(kernel, identity(n + m), n);
}

/** The biased form: all pairs, i = j included, in the means. Never negative. Otherwise as `mmdUnbiased`. */
export function mmdBiased(x: Points, y: Points, sigma: number): number {
  const { kernel, n, m } = pooledKernel(x, y, sigma);
  const { within, across } = blockSums(kernel, identity(n + m), n);
  return (within[0] + n) / n ** 2 + (within[1] + m) / m ** 2 - (2 * across) / (n * m);
}

/**
 * Permutation test of H0: both samples come from one distribution, on `mmdUnbiased`.
 *
 * p = (1 + #{permuted MMD² >= observed}) / (permutations + 1), exact and never 0.
 *
 * @param options seed of the permutations; how many (default 199)
 */
export function mmdPermutationTest(
  x: Points,
  y: Points,
  sigma: number,
  { seed, permutations = 199 }: { readonly seed: number; readonly permutations?: number },
): { mmd: number; pValue: number } {
  const { kernel, n, m } = pooledKernel(x, y, sigma);
  const order = identity(n + m);
  const mmd = unbiased(kernel, order, n);
  const random = createRandom(seed);
  let asLarge = 0;
  for (let round = 0; round < permutations; round++) {
    shuffle(order, random);
    if (unbiased(kernel, order, n) >= mmd) asLarge++;
  }
  return { mmd, pValue: (1 + asLarge) / (permutations + 1) };
}

/**
 * The median distance between two points of a sample, over pairs i < j: the kernel width at
 * which typical pairs differ. In the unit of the points. O(n² d), n <= 1,000.
 *
 * @param points shape [n, d], n >= 2
 * @throws RangeError when there are fewer than two points or more than 1,000
 */
export function medianHeuristic(points: Points): number {
  const n = points.length;
  if (n < 2 || n > 2 * MMD_EXACT_ROWS_MAX) throw new RangeError(`medianHeuristic: ${n} points`);
  const squares = new Float64Array((n * (n - 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) squares[at++] = squaredDistance(points[i]!, points[j]!);
  }
  return Math.sqrt(quantile(squares.sort(), 0.5));
}

interface Kernel {
  readonly size: number;
  /** shape [size, size], row-major */
  readonly values: Float64Array;
}

function pooledKernel(x: Points, y: Points, sigma: number): { kernel: Kernel; n: number; m: number } {
  const n = x.length;
  const m = y.length;
  if (n < 2 || m < 2 || n > MMD_EXACT_ROWS_MAX || m > MMD_EXACT_ROWS_MAX) {
    throw new RangeError(`mmd: ${n} and ${m} points, 2 to ${MMD_EXACT_ROWS_MAX} needed`);
  }
  if (!(sigma > 0)) throw new RangeError(`mmd: sigma ${sigma}`);
  const points = [...x, ...y];
  const size = n + m;
  const values = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    values[i * size + i] = 1;
    for (let j = i + 1; j < size; j++) {
      const similarity = Math.exp(-squaredDistance(points[i]!, points[j]!) / (2 * sigma * sigma));
      values[i * size + j] = similarity;
      values[j * size + i] = similarity;
    }
  }
  return { kernel: { size, values }, n, m };
}

function unbiased(kernel: Kernel, order: Uint32Array, n: number): number {
  const m = order.length - n;
  const { within, across } = blockSums(kernel, order, n);
  return within[0] / (n * (n - 1)) + within[1] / (m * (m - 1)) - (2 * across) / (n * m);
}

/** Kernel sums with the first n points of the order as one sample; i = j left out of `within`. */
function blockSums({ size, values }: Kernel, order: Uint32Array, n: number) {
  let first = 0;
  let second = 0;
  let across = 0;
  for (let i = 0; i < size; i++) {
    const row = order[i]! * size;
    if (i < n) {
      for (let j = i + 1; j < n; j++) first += values[row + order[j]!]!;
      for (let j = n; j < size; j++) across += values[row + order[j]!]!;
    } else {
      for (let j = i + 1; j < size; j++) second += values[row + order[j]!]!;
    }
  }
  return { within: [2 * first, 2 * second] as const, across };
}

function identity(size: number): Uint32Array {
  return Uint32Array.from({ length: size }, (_, i) => i);
}

function squaredDistance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new RangeError(`mmd: points of ${a.length} and ${b.length} dimensions`);
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2;
  return sum;
}
