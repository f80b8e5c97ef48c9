/** Evidence of whole samples, from the factors of single units: what tests feed the detector with. */
import { clearanceGrid } from "./clearance.ts";
import { addDropFactors, relativeDropGrid } from "./e-value.ts";

interface BetOptions {
  /** Tempering for clustered units, in (0, 1]. Default 1. */
  readonly eta?: number;
  /** Relative drops fⱼ, each in (0, 1). Default `relativeDropGrid()`. */
  readonly grid?: readonly number[];
}

/**
 * Log e-values against H0 "mean ≥ m" from scores in [0, 1], one per grid point, nats.
 *
 * @param scores  shape [n]; n = 0 gives zeros
 * @param m       null mean, in (0, 1)
 * @param weights shape [n]: r_min/rᵢ in (0, 1], r_min the smallest sampling rate in force; default ones
 * @returns shape [J]; combine with `logMixture`
 */
export function logEvidenceOfScores(
  scores: readonly number[],
  m: number,
  options: BetOptions & { readonly weights?: readonly number[] } = {},
): Float64Array {
  const { eta = 1, grid = relativeDropGrid(), weights } = options;
  requireBet(m, eta, grid);
  if (weights && weights.length !== scores.length) {
    throw new RangeError(`logEvidenceOfScores: ${scores.length} scores, ${weights.length} weights`);
  }
  const log = new Float64Array(grid.length);
  for (const [i, x] of scores.entries()) {
    const w = weights?.[i] ?? 1;
    if (!(x >= 0 && x <= 1 && w > 0 && w <= 1))
      throw new RangeError(`logEvidenceOfScores: x = ${x}, w = ${w}`);
    addDropFactors(log, 0, x, m, w, eta, grid);
  }
  return log;
}

/** The same from counts of verdicts, all with the null mean m: shape [J], nats. */
export function logEvidenceOfVerdicts(
  passes: number,
  fails: number,
  m: number,
  options: BetOptions = {},
): Float64Array {
  const { eta = 1, grid = relativeDropGrid() } = options;
  requireBet(m, eta, grid);
  if (!(passes >= 0 && fails >= 0))
    throw new RangeError(`logEvidenceOfVerdicts: ${passes} passes, ${fails} fails`);
  return Float64Array.from(
    grid,
    (f) => eta * (passes * Math.log(f) + fails * Math.log1p(((1 - f) * m) / (1 - m))),
  );
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

function requireBet(m: number, eta: number, grid: readonly number[]): void {
  if (!(m > 0 && m < 1)) throw new RangeError(`e-value: null mean = ${m}, needs 0 < m < 1`);
  if (!(eta > 0 && eta <= 1)) throw new RangeError(`e-value: eta = ${eta}, needs 0 < eta <= 1`);
  if (grid.length === 0 || !grid.every((f) => f > 0 && f < 1))
    throw new RangeError("e-value: grid outside (0, 1)");
}
