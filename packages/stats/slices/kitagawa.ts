/** One cell of a partition of the traffic, under the old and the new version. */
export interface KitagawaCell {
  /** Shares of all traffic (not of judged units), in [0, 1]; each side sums to 1. */
  readonly shareOld: number;
  readonly shareNew: number;
  readonly meanOld: number;
  readonly meanNew: number;
  /** Squared standard errors v/n of the two means; 0 when left out. */
  readonly seOldSquared?: number;
  readonly seNewSquared?: number;
}

/** A change of the overall mean, split without remainder. All in score points. */
export interface Kitagawa {
  /** New mean minus old mean = mix + within. */
  readonly total: number;
  /** Change of the mean that the change of traffic alone would have made. */
  readonly mix: number;
  /** Change of the mean that the change of quality inside the cells made. */
  readonly within: number;
  /** Per cell, shape [S]; `within` and `mix` each sum to the totals above. */
  readonly cells: readonly { readonly within: number; readonly mix: number }[];
  readonly seMix: number;
  readonly seWithin: number;
  /** |mix| > |within|: the headline is an input shift, not a regression. */
  readonly inputShift: boolean;
}

/** Shares may miss 1 by this much (they come from rounded counts). */
const SHARE_TOLERANCE = 1e-6;

/**
 * Kitagawa's decomposition of a difference of two means into mix and within-cell change.
 *
 * within_s = (π0 + π1)/2 · (μ1 − μ0);  mix_s = (π1 − π0) · ((μ0 + μ1)/2 − m̄), with
 * m̄ = Σ (π0 + π1)/2 · (μ0 + μ1)/2: a cell adds to the mix when it grew and is better than
 * average, or shrank and is worse. total = mix + within exactly; symmetric in the versions.
 * Cells with fewer than 20 judged units should be merged before.
 *
 * @param cells shape [S], S >= 1
 * @throws RangeError when there is no cell or shares do not sum to 1
 *
 * @see Kitagawa, Components of a difference between two rates, JASA 50 (1955)
 */
export function kitagawa(cells: readonly KitagawaCell[]): Kitagawa {
  const sum = (of: (cell: KitagawaCell) => number) => cells.reduce((total, cell) => total + of(cell), 0);
  const oldShares = sum((cell) => cell.shareOld);
  const newShares = sum((cell) => cell.shareNew);
  if (cells.length === 0) throw new RangeError("kitagawa: no cell");
  if (!(Math.abs(oldShares - 1) <= SHARE_TOLERANCE && Math.abs(newShares - 1) <= SHARE_TOLERANCE)) {
    throw new RangeError(`kitagawa: shares sum to ${oldShares} and ${newShares}`);
  }
  const share = (cell: KitagawaCell) => (cell.shareOld + cell.shareNew) / 2;
  const shift = (cell: KitagawaCell) => cell.shareNew - cell.shareOld;
  const mean = (cell: KitagawaCell) => (cell.meanOld + cell.meanNew) / 2;
  const errors = (cell: KitagawaCell) => (cell.seOldSquared ?? 0) + (cell.seNewSquared ?? 0);

  const middle = sum((cell) => share(cell) * mean(cell));
  const perCell = cells.map((cell) => ({
    within: share(cell) * (cell.meanNew - cell.meanOld),
    mix: shift(cell) * (mean(cell) - middle),
  }));
  const within = sum((cell) => share(cell) * (cell.meanNew - cell.meanOld));
  const mix = sum((cell) => shift(cell) * mean(cell));
  return {
    total: mix + within,
    mix,
    within,
    cells: perCell,
    seMix: Math.sqrt(sum((cell) => shift(cell) ** 2 * errors(cell)) / 4),
    seWithin: Math.sqrt(sum((cell) => share(cell) ** 2 * errors(cell))),
    inputShift: Math.abs(mix) > Math.abs(within),
  };
}
