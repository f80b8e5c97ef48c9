import { sorted } from "./sorted.ts";

/** A statistic together with how its p-value was found. */
export interface KolmogorovSmirnov {
  /** D = sup |F − G|, in [0, 1]. */
  readonly statistic: number;
  readonly pValue: number;
  readonly method: "exact" | "stephens";
}

/** Above this product of sizes the lattice of the exact p-value is not worth its O(n·m). */
const EXACT_CELLS_MAX = 10_000;

/**
 * Two-sample Kolmogorov–Smirnov test, two-sided.
 *
 * D = sup_t |F(t) − G(t)|. p is exact (given the ties) for n·m <= 10,000, else Stephens'
 * approximation. D is a size to show beside a decision; at production sample sizes the p-value
 * is small for differences nobody cares about, hence it never triggers anything.
 *
 * @param x shape [n], n >= 1
 * @param y shape [m], m >= 1
 * @throws RangeError when a sample is empty or not finite
 *
 * @see Hodges, The significance probability of the Smirnov two-sample test, Arkiv Mat. 3 (1958)
 * @see Stephens, Use of the Kolmogorov–Smirnov … without extensive tables, JRSS-B 32 (1970)
 */
export function kolmogorovSmirnov(x: readonly number[], y: readonly number[]): KolmogorovSmirnov {
  const walk = walkPooled(x, y);
  const cells = x.length * y.length;
  const statistic = walk.distance / cells;
  return cells <= EXACT_CELLS_MAX
    ? { statistic, pValue: exact(walk, x.length, y.length), method: "exact" }
    : { statistic, pValue: kolmogorovSmirnovStephens(statistic, x.length, y.length), method: "stephens" };
}

/**
 * Stephens' two-sided p-value: Q((sqrt(e) + 0.12 + 0.11/sqrt(e)) · D), e = n·m/(n + m).
 * Good to about a percent from four rows a side.
 *
 * @throws RangeError when D is outside [0, 1] or a size is below 1
 */
export function kolmogorovSmirnovStephens(statistic: number, n: number, m: number): number {
  const root = effectiveRoot(statistic, n, m);
  return kolmogorovUpperTail((root + 0.12 + 0.11 / root) * statistic);
}

/** Limiting two-sided p-value Q(sqrt(e) · D); conservative in small samples. Throws as Stephens' form. */
export function kolmogorovSmirnovLimit(statistic: number, n: number, m: number): number {
  return kolmogorovUpperTail(effectiveRoot(statistic, n, m) * statistic);
}

/**
 * Upper tail of Kolmogorov's distribution: Q(λ) = 2 Σ_{k>=1} (−1)^{k−1} exp(−2k²λ²).
 * Below λ = 1 the theta-function form of the same series is used, which converges there.
 */
export function kolmogorovUpperTail(lambda: number): number {
  if (!(lambda > 0)) return 1;
  let sum = 0;
  if (lambda < 1) {
    const unit = Math.PI ** 2 / (8 * lambda * lambda);
    for (let k = 1; k <= 9; k += 2) sum += Math.exp(-k * k * unit);
    return 1 - (Math.sqrt(2 * Math.PI) / lambda) * sum;
  }
  for (let k = 5; k >= 1; k--) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, 2 * sum);
}

interface Walk {
  /** n·m·D, a whole number. */
  readonly distance: number;
  /** ends[k]: the k smallest pooled values are separated from the rest (no tie across the cut). */
  readonly ends: readonly boolean[];
}

/** Walks through the pooled sample; F and G are compared only where a group of ties ends. */
function walkPooled(x: readonly number[], y: readonly number[]): Walk {
  const a = sorted(x, "kolmogorovSmirnov");
  const b = sorted(y, "kolmogorovSmirnov");
  const ends = Array.from({ length: a.length + b.length + 1 }, () => false);
  let distance = 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const at = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    while (i < a.length && a[i] === at) i++;
    while (j < b.length && b[j] === at) j++;
    ends[i + j] = true;
    distance = Math.max(distance, Math.abs(i * b.length - j * a.length));
  }
  return { distance, ends };
}

/**
 * Share of all orderings of the pooled sample that reach the distance: a lattice path from (0, 0)
 * to (n, m) hits when it leaves the band. hit(i, j) is the share of paths to (i, j) that have
 * left it; only positive terms are added, so small p-values keep their digits.
 */
function exact({ distance, ends }: Walk, n: number, m: number): number {
  if (distance === 0) return 1;
  const hit = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      if (i + j === 0) continue;
      const outside = ends[i + j]! && Math.abs(i * m - j * n) >= distance;
      const fromX = i > 0 ? i * hit[j]! : 0;
      const fromY = j > 0 ? j * hit[j - 1]! : 0;
      hit[j] = outside ? 1 : (fromX + fromY) / (i + j);
    }
  }
  return hit[m]!;
}

function effectiveRoot(statistic: number, n: number, m: number): number {
  if (!(statistic >= 0 && statistic <= 1)) throw new RangeError(`kolmogorovSmirnov: D = ${statistic}`);
  if (!(n >= 1 && m >= 1)) throw new RangeError(`kolmogorovSmirnov: sizes ${n} and ${m}`);
  return Math.sqrt((n * m) / (n + m));
}
