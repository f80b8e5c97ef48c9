/**
 * How a call's deadline is shared out among its rungs, so that a model that hangs never takes the time of those after it:
 * the prompt's own model, retries and waits included, has at least half of it, and each fallback model keeps its share
 * until its turn.
 */
interface Times {
  readonly deadline_ms: number;
  readonly attempt_timeout_ms: number;
  readonly fallback_models: readonly unknown[];
}

export interface TimeShares {
  /** Kept for an old answer and the template, ms. */
  readonly reserveMs: number;
  /** The prompt's own model with its retries, ms. */
  readonly ownMs: number;
  /** Each fallback model that is still to be asked, ms; 0 without one. */
  readonly fallbackMs: number;
}

/** With less time than this nothing is asked of a model, ms. */
export const ATTEMPT_MS_MIN = 5;
const RESERVE_SHARE = 0.05;
const RESERVE_MS_MAX = 100;

export function timeShares({ deadline_ms, attempt_timeout_ms, fallback_models }: Times): TimeShares {
  const reserveMs = Math.min(RESERVE_MS_MAX, deadline_ms * RESERVE_SHARE);
  const modelsMs = deadline_ms - reserveMs;
  const { length } = fallback_models;
  const fallbackMs = length === 0 ? 0 : Math.min(attempt_timeout_ms, modelsMs / 2 / length);
  return { reserveMs, ownMs: modelsMs - fallbackMs * length, fallbackMs };
}
