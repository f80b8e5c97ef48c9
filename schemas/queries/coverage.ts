/** What is not known: calls without a verdict, versions without a name, use cases without calls. */
import { z } from "zod";
import { VERDICT_CAUSES } from "../events/verdict.ts";
import {
  binCounts,
  defineQuery,
  type RowOf,
  time,
  USE_CASE_PAGE,
  useCaseKey,
  WINDOW,
  wholeTime,
} from "./define-query.ts";

/** Selected calls by how they ended. */
const endings = {
  sampled: z.number(),
  scored: z.number(),
  cannot_judge: z.number(),
  failed: z.number(),
  expired: z.number(),
  over_budget: z.number(),
};

const Coverage = z.object({ ...useCaseKey, hour: wholeTime, ...endings });

/** Of the calls selected for judging, how many ended how; sampled is the sum of the states and unjudged. */
const JudgingProgress = z.object({
  ...useCaseKey,
  ...endings,
  unjudged: z.number(),
  /** When the call that has waited longest arrived; null when none waits. */
  oldest_unjudged_at: z.string().nullable(),
  /** Of the calls that ended without a score; empty when none says why. */
  commonest_cause: z.enum(["", ...VERDICT_CAUSES]).catch(""),
});
export type JudgingProgress = RowOf<typeof JudgingProgress>;

/** Calls of one application whose version is one too many on its day. */
const VersionOverflow = z.object({ ...useCaseKey, app: z.string(), calls: z.number() });

/** A use case that had calls and has none now. */
const SilentUseCase = z.object({
  ...useCaseKey,
  first_at: z.string(),
  last_at: z.string(),
  calls_of_last_day: z.number(),
  /** Calls in the hours of the silence, one week earlier. */
  calls_a_week_before: z.number(),
  /** With those of two hours before and after: wherever a changed clock puts the hours, they are among these. */
  calls_around_a_week_before: z.number(),
});
export type SilentUseCase = RowOf<typeof SilentUseCase>;

/** Calls by quarter of an hour of their arrival: pairs of the quarter, counted since 1970 UTC, and the calls in it. */
const ArrivalQuarters = z.object({ ...useCaseKey, quarters: binCounts });
export type ArrivalQuarters = RowOf<typeof ArrivalQuarters>;

export const COVERAGE = {
  coverageByHour: defineQuery("coverage_by_hour", WINDOW, Coverage),
  /** About calls that arrived in the window. */
  judgingProgress: defineQuery("judging_progress", WINDOW, JudgingProgress),
  /** Applications with calls beyond a day's number of versions that arrived in the window; ten a use case, the largest first. */
  versionOverflow: defineQuery("version_overflow", WINDOW, VersionOverflow),
  /** About calls that arrived in the window; quarters without calls are left out. */
  arrivalQuarters: defineQuery("arrival_quarters", USE_CASE_PAGE, ArrivalQuarters),
  /** Use cases with calls that arrived in the window and none at or after `since`. */
  silentUseCases: defineQuery("silent_use_cases", z.object({ ...WINDOW.shape, since: time }), SilentUseCase),
};
