/**
 * Solves A x = b for a symmetric positive definite A by Cholesky's factorisation.
 *
 * @param a shape [n · n], row-major; only the lower triangle is read. Overwritten by the factor
 * @param b shape [n]. Overwritten by the solution
 * @throws RangeError when A is not positive definite
 * @see Golub & Van Loan, Matrix Computations (2013), algorithm 4.2.1
 */
export function solveCholesky(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  if (a.length !== n * n) throw new RangeError(`solveCholesky: ${a.length} entries for ${n} unknowns`);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      if (i !== j) a[i * n + j] = sum / a[j * n + j]!;
      else if (sum > 0) a[i * n + i] = Math.sqrt(sum);
      else throw new RangeError(`solveCholesky: not positive definite at row ${i}`);
    }
  }
  for (let i = 0; i < n; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= a[i * n + k]! * b[k]!;
    b[i] = sum / a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let k = i + 1; k < n; k++) sum -= a[k * n + i]! * b[k]!;
    b[i] = sum / a[i * n + i]!;
  }
  return b;
}

/** One reference row of the baseline model. */
interface BaselineRow {
  /** Columns that are 1 for this row, each in 1..columns, no repeats. Column 0 is the intercept. */
  readonly active: ArrayLike<number>;
  /** Score or verdict, in [0, 1]. */
  readonly x: number;
  /** r_min/rᵢ in (0, 1]. Default 1. */
  readonly weight?: number;
}

/** Penalty of a slice's coefficient, as pseudo-units that say "like the rest". */
export const RIDGE_UNITS = 30;
/** Largest model: a dense factorisation of 300 columns takes about 10 ms. */
const COLUMNS_MAX = 300;

/**
 * Additive ridge model of expected quality given slices: β = (ZᵀZ + R)⁻¹ Zᵀx, R = diag(10⁻⁶, 30, …, 30).
 *
 * A linear model with slice dummies is calibrated on every slice at once: its residuals sum to about
 * zero in each. The penalty is thirty pseudo-units a slice, shrinking rare slices towards the rest.
 *
 * @param columns number of dummies P, 0..300
 * @returns shape [P + 1]: intercept, then one coefficient a column, score points
 * @throws RangeError when there are no rows or too many columns
 * @see Hoerl & Kennard, Ridge regression, Technometrics 12 (1970)
 */
export function ridgeBaseline(
  rows: Iterable<BaselineRow>,
  columns: number,
  options: { readonly ridge?: number; readonly interceptPenalty?: number } = {},
): Float64Array {
  const { ridge = RIDGE_UNITS, interceptPenalty = 1e-6 } = options;
  if (!(Number.isInteger(columns) && columns >= 0 && columns <= COLUMNS_MAX)) {
    throw new RangeError(`ridgeBaseline: ${columns} columns, at most ${COLUMNS_MAX}`);
  }
  const size = columns + 1;
  const gram = new Float64Array(size * size);
  const moments = new Float64Array(size);
  let n = 0;
  for (const { active, x, weight = 1 } of rows) {
    n += 1;
    gram[0]! += weight;
    moments[0]! += weight * x;
    for (let i = 0; i < active.length; i++) {
      const row = active[i]!;
      moments[row]! += weight * x;
      gram[row * size]! += weight;
      for (let j = 0; j < active.length; j++) gram[row * size + active[j]!]! += weight;
    }
  }
  if (n === 0) throw new RangeError("ridgeBaseline: no rows");
  gram[0]! += interceptPenalty;
  for (let i = 1; i < size; i++) gram[i * size + i]! += ridge;
  return solveCholesky(gram, moments);
}

/** b(z) = clip(β₀ + Σ βₖ zₖ, 0.05, 0.995) over the active columns: expected quality of one unit. */
export function baselineMean(beta: ArrayLike<number>, active: ArrayLike<number>): number {
  let mean = beta[0]!;
  for (let i = 0; i < active.length; i++) mean += beta[active[i]!]!;
  return Math.min(0.995, Math.max(0.05, mean));
}
