/** Gaps in what is known about quality: pure rules on counts. None of them says anything about quality itself. */
import type { JudgingProgress, SilentUseCase } from "@plumbline/ports";
import { type CoverageEvidence, DAY_MS, MINUTE_MS } from "@plumbline/schemas";
import type { UsualCalls } from "./usual-calls.ts";

/** A selected call without a verdict for this long waits too long. */
export const VERDICT_DUE_MS = 30 * MINUTE_MS;
/** A use case without a call for this long may be silent. */
export const SILENCE_MS = 30 * MINUTE_MS;
/** Fewest overdue calls of a gap: a restart delays a few. */
const OVERDUE_MIN = 5;
/** Fewest selected calls for "none was scored". */
const SELECTED_MIN = 20;
/** Fewest calls for "none was selected": at 1% there would be five. */
const CALLS_MIN = 500;
/** Share of decided calls that may end without a score because nothing was asked or answered. */
const UNSCORED_SHARE_MAX = 0.5;
/** Share of decided calls that the judge may have no verdict on: beyond it, what is scored need not be like the rest. */
const CANNOT_JUDGE_SHARE_MAX = 0.2;
/** Usual calls in the time of a silence. Chance leaves 20 out once in 10^8 times. */
export const USUAL_CALLS_MIN = 20;
/** Traffic at night is about a fifth of the peak; without a week of history the mean is discounted by it. */
const NIGHT_SHARE = 0.2;

/** Each measure is an incident of its own. */
export interface Gap {
  /** Calls and units that the gap is about. */
  readonly calls: number;
  readonly units: number;
  /** A share, or a count of calls. */
  readonly value: number;
  readonly evidence: Exclude<CoverageEvidence, { readonly measure: "job_runs" | "stored_share" }>;
}

/**
 * Gaps in the judging of one use case, among the calls of the window that are due.
 *
 * @param recent the same over the last hours: where enough was decided, they say whether scoring works, so that a judge
 *   that broke or came back is seen then, and not when most of a day has changed
 */
export function judgingGaps(progress: JudgingProgress, recent?: JudgingProgress): readonly Gap[] {
  const { sampled, scored, cannot_judge, failed, expired, over_budget, unjudged } = progress;
  const gaps: Gap[] = [];
  if (unjudged >= OVERDUE_MIN) gaps.push(gapOf("judged_share", progress, (sampled - unjudged) / sampled));
  const shown = recent !== undefined && decidedIn(recent) >= SELECTED_MIN ? recent : progress;
  if (decidedIn(shown) >= SELECTED_MIN && isUnscored(shown)) gaps.push(unscoredGap(shown));
  const counted = scored + cannot_judge + failed + expired + over_budget + unjudged;
  if (counted !== sampled) gaps.push(gapOf("verdict_count", progress, counted / sampled));
  return gaps;
}

function gapOf(measure: "judged_share" | "verdict_count", progress: JudgingProgress, value: number): Gap {
  const evidence = { measure, ...statesOf(progress) };
  return { calls: progress.sampled, units: progress.scored, value, evidence };
}

function unscoredGap(progress: JudgingProgress): Gap {
  const { sampled, scored, commonest_cause } = progress;
  const evidence = {
    measure: "scored_share" as const,
    ...statesOf(progress),
    ...(commonest_cause === "" ? {} : { commonest_cause }),
  };
  return { calls: sampled, units: scored, value: scored / decidedIn(progress), evidence };
}

function statesOf(progress: JudgingProgress) {
  const { sampled, scored, cannot_judge, failed, expired, over_budget, unjudged, oldest_unjudged_at } =
    progress;
  return { sampled, scored, cannot_judge, failed, expired, over_budget, unjudged, oldest_unjudged_at };
}

function decidedIn({ sampled, unjudged }: JudgingProgress): number {
  return sampled - unjudged;
}

function isUnscored(progress: JudgingProgress): boolean {
  const { scored, cannot_judge, failed, expired, over_budget } = progress;
  const decided = decidedIn(progress);
  return (
    scored === 0 ||
    cannot_judge > CANNOT_JUDGE_SHARE_MAX * decided ||
    failed + expired + over_budget > UNSCORED_SHARE_MAX * decided
  );
}

/** Traffic of which nothing is selected: its quality would never be known. */
export function samplingGaps(calls: number, sampled: number): readonly Gap[] {
  if (calls < CALLS_MIN || sampled > 0) return [];
  return [{ calls, units: 0, value: 0, evidence: { measure: "sampled_calls", calls, sampled } }];
}

/** Calls whose version is one too many on its day. @param apps who sent them, the largest first */
export function versionGaps(calls: number, overflowing: number, apps: readonly string[]): readonly Gap[] {
  if (overflowing === 0) return [];
  const value = (calls - overflowing) / calls;
  const evidence = { measure: "known_versions" as const, calls, overflowing, apps: [...apps] };
  return [{ calls, units: 0, value, evidence }];
}

/** Calls whose use case is one too many on its day. @param apps who sent them, the largest first */
export function useCaseGaps(calls: number, apps: readonly string[]): readonly Gap[] {
  const evidence = { measure: "known_use_cases" as const, calls, apps: [...apps] };
  return [{ calls, units: 0, value: 0, evidence }];
}

/** hasUsualHours returns true for a use case with a week of calls before its silence. */
export function hasUsualHours({ first_at, last_at }: SilentUseCase): boolean {
  return Date.parse(last_at) - Date.parse(first_at) >= 7 * DAY_MS;
}

/**
 * A use case whose calls stopped, when that isn't usual for these hours of the week.
 *
 * @param byHours calls of these hours a week ago; null where they are unknown, which the size of the traffic makes up for in
 *   the first week
 */
export function silenceGap(silent: SilentUseCase, byHours: UsualCalls | null, nowMs: number): Gap | null {
  const { first_at, last_at, calls_of_last_day } = silent;
  const silentMs = nowMs - Date.parse(last_at);
  if (silentMs < SILENCE_MS || Date.parse(last_at) - Date.parse(first_at) < DAY_MS) return null;
  const usual = hasUsualHours(silent)
    ? byHours
    : { usual_calls: NIGHT_SHARE * calls_of_last_day * (silentMs / DAY_MS) };
  if (usual === null || usual.usual_calls < USUAL_CALLS_MIN) return null;
  return {
    calls: 0,
    units: 0,
    value: 0,
    evidence: {
      measure: "traffic",
      last_call_at: last_at,
      silent_minutes: Math.round(silentMs / MINUTE_MS),
      ...usual,
    },
  };
}
