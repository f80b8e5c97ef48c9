/** Where a drop lies. */
type SliceVerdictKind = "distributional" | "mixed" | "uniform" | "inconclusive";

/** The evidence about a drop and its best slice; score points unless stated. */
export interface SliceEvidence {
  /** N, units */
  readonly rows: number;
  /** D: mean of baseline minus score. */
  readonly drop: number;
  /** Standard deviation of baseline minus score over all units. */
  readonly dropSd: number;
  /** Units behind the baseline; default infinitely many. */
  readonly referenceRows?: number;
  /** p_het of `sliceHeterogeneityTest`. */
  readonly pHet: number;
  /** Its `critical` (nats) and `zCritical`. */
  readonly critical: number;
  readonly zCritical: number;
  /** The best slice found, when any is worse than the rest. */
  readonly slice?: {
    /** n, units inside */
    readonly rows: number;
    readonly z: number;
    /** Nats; not above 0: too weak to be named. */
    readonly mdl: number;
    /** D_in and D_out: mean drop inside and outside. */
    readonly dropInside: number;
    readonly dropOutside: number;
    /** Sample variance of the drop outside. */
    readonly varianceOutside: number;
    /** p: mean baseline outside, in [0, 1]. */
    readonly baselineOutside: number;
    /** n_ref,out: reference units outside. */
    readonly referenceRowsOutside: number;
  };
}

export interface SliceVerdict {
  readonly kind: SliceVerdictKind;
  /** phi in [0, 1]: share of the lost quality that the best slice explains; 0 when none can be named. */
  readonly explainedShare: number;
  /** Inconclusive only: further units until a verdict is likely, at least 1. Missing when no number would do. */
  readonly unitsNeeded?: number;
}

const P_HET_MAX = 0.01;
const EXPLAINED_MIN = 0.7;
/** A drop outside the slice that may still be there, in score points. */
const DROP_OUTSIDE_MAX = 0.01;
/** Φ⁻¹(0.95) and Φ⁻¹(0.90). */
const Z_95_ONE_SIDED = 1.645;
const Z_90_ONE_SIDED = 1.28;

/**
 * Decides whether a drop is uniform or confined to some inputs.
 *
 * phi = 1 − (N − n) max(D_out, 0)/(N D), clipped to [0, 1];
 * se_out² = var(d outside)/(N − n) + p(1 − p)/n_ref,out.
 *
 * - distributional: p_het <= 0.01, phi >= 0.7 and D_out − 1.645 se_out <= 0.01
 * - mixed: p_het <= 0.01 otherwise (worse everywhere, worst in the slice)
 * - uniform: p_het > 0.01 and D/sd(d)·sqrt(N n_ref/(N + n_ref)) >= z_crit + 1.28, so that a
 *   concentrated drop of this size would have been seen beside the baseline's own error
 * - inconclusive: otherwise, with the further units needed for one of the two
 *
 * A slice must have MDL > 0 to carry the first two: what cannot be named cannot be reported.
 *
 * @throws RangeError when N < 2 or the slice does not leave units on both sides
 */
export function decideSliceVerdict(evidence: SliceEvidence): SliceVerdict {
  const { rows, drop, dropSd, referenceRows = Infinity, pHet, zCritical, slice } = evidence;
  if (!(rows >= 2)) throw new RangeError(`decideSliceVerdict: ${rows} units`);
  if (slice !== undefined && !(slice.rows >= 1 && slice.rows < rows)) {
    throw new RangeError(`decideSliceVerdict: a slice of ${slice.rows} of ${rows} units`);
  }
  const named = slice !== undefined && slice.mdl > 0 ? slice : undefined;
  const phi = named === undefined ? 0 : explainedShare(rows, drop, named.rows, named.dropOutside);

  if (named !== undefined && pHet <= P_HET_MAX) {
    const { baselineOutside: p, referenceRowsOutside, varianceOutside } = named;
    const variance = varianceOutside / (rows - named.rows) + (p * (1 - p)) / referenceRowsOutside;
    const restUnharmed = named.dropOutside - Z_95_ONE_SIDED * Math.sqrt(variance) <= DROP_OUTSIDE_MAX;
    return { kind: phi >= EXPLAINED_MIN && restUnharmed ? "distributional" : "mixed", explainedShare: phi };
  }
  if (
    drop > 0 &&
    drop * Math.sqrt(independentRows(rows, referenceRows)) >= (zCritical + Z_90_ONE_SIDED) * dropSd
  ) {
    return { kind: "uniform", explainedShare: phi };
  }
  const needed = unitsNeeded(evidence);
  return {
    kind: "inconclusive",
    explainedShare: phi,
    ...(needed === undefined ? {} : { unitsNeeded: needed }),
  };
}

/**
 * phi = 1 − (N − n) max(D_out, 0)/(N D), clipped to [0, 1]. 1 when nothing is lost outside; 0 when
 * something is, though nothing is lost overall.
 */
export function explainedShare(rows: number, drop: number, rowsInside: number, dropOutside: number): number {
  if (dropOutside <= 0) return 1;
  if (drop <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - ((rows - rowsInside) * dropOutside) / (rows * drop)));
}

/** Units held against a known baseline that would say as much: N n_ref/(N + n_ref), never more than n_ref. */
function independentRows(rows: number, referenceRows: number): number {
  return rows / (1 + rows / referenceRows);
}

/**
 * Evidence grows in proportion to the independent units: the smaller of the sample sizes at which the slice would pass
 * the permutation test and at which the drop would count as uniform. None when the baseline is too small for either.
 */
function unitsNeeded(evidence: SliceEvidence): number | undefined {
  const { rows, drop, dropSd, referenceRows = Infinity, critical, zCritical, slice } = evidence;
  const price = slice === undefined ? 0 : slice.z ** 2 / 2 - slice.mdl;
  const forSlice =
    slice === undefined
      ? Infinity
      : (independentRows(rows, referenceRows) * 2 * (critical + price)) / slice.z ** 2;
  const forUniform = drop > 0 ? ((zCritical + Z_90_ONE_SIDED) * (dropSd / drop)) ** 2 : Infinity;
  const target = Math.min(forSlice, forUniform);
  if (!(target < referenceRows)) return undefined;
  return Math.max(1, Math.ceil(target / (1 - target / referenceRows) - rows));
}
