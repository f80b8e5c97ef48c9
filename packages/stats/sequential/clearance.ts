/** The grid of the clearance bets: gⱼ = 0.9 · 2^−j, j = 0..size − 1, the mirror of the relative drops. */
export function clearanceGrid(size = 6): number[] {
  if (!(Number.isInteger(size) && size >= 1 && size <= 50))
    throw new RangeError(`clearanceGrid: size = ${size}`);
  return Array.from({ length: size }, (_, j) => 0.9 * 2 ** -j);
}

/**
 * Adds one unit's evidence that a mean **exceeds** m to `into[offset + j]`, nats:
 *
 *     η · log(1 + (gⱼ/m) w (x − m))
 *
 * On a verdict with w = 1: (1 − (1 − gⱼ)(1 − m))/m on a pass and 1 − gⱼ on a fail. Averaged over j and
 * accumulated from a deploy on, the version is CLEARED once the e-value reaches 20: a drop to m or below
 * is then excluded, and the statement is wrong with probability at most 5%, however often one looks.
 * At an unchanged 0.92 and a margin of 3 points the median need is 712 units.
 *
 * @param m null mean, baseline minus the clearance margin, in (0, 1)
 */
export function addClearanceFactors(
  into: Float64Array,
  offset: number,
  x: number,
  m: number,
  w: number,
  eta: number,
  grid: ArrayLike<number>,
): void {
  const gain = (w * (x - m)) / m;
  for (let j = 0; j < grid.length; j++) into[offset + j]! += eta * Math.log1p(grid[j]! * gain);
}

/** The same from counts of verdicts, all with the null mean m: shape [J], nats. */
export function logClearanceOfVerdicts(
  passes: number,
  fails: number,
  m: number,
  options: { readonly eta?: number; readonly grid?: readonly number[] } = {},
): Float64Array {
  const { eta = 1, grid = clearanceGrid() } = options;
  if (!(passes >= 0 && fails >= 0 && m > 0 && m < 1 && eta > 0 && eta <= 1)) {
    throw new RangeError(`logClearanceOfVerdicts: ${passes} passes, ${fails} fails, m = ${m}, eta = ${eta}`);
  }
  return Float64Array.from(
    grid,
    (g) => eta * (passes * Math.log((1 - (1 - g) * (1 - m)) / m) + fails * Math.log1p(-g)),
  );
}

/** log 20: a version is cleared when its log e-value reaches this, wrong with probability ≤ 5%. */
export const LOG_CLEARED = Math.log(20);
