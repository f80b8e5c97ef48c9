/** Which versions were called, how much, and what of it was chosen for judging. */
import { z } from "zod";
import {
  defineQuery,
  type RowOf,
  SINCE,
  USE_CASE_PAGE,
  USE_CASE_WINDOW,
  versionKey,
  WINDOW,
} from "./define-query.ts";

/** Calls of one version: volume and outcome, no quality. */
const VersionTraffic = z.object({
  ...versionKey,
  calls: z.number(),
  ok_calls: z.number(),
  latency_ms_p95: z.number(),
  /** Of priced calls; null when there are none. */
  cost_usd_sum: z.number().nullable(),
  first_started_at: z.string(),
  last_started_at: z.string(),
});
export type VersionTraffic = RowOf<typeof VersionTraffic>;

/** When a version was called, as far back as was asked. */
const VersionActivity = z.object({
  ...versionKey,
  /** Rows, repeats included; `versionTraffic` counts exactly. */
  calls: z.number(),
  /** Rows that were chosen for judging. */
  sampled: z.number(),
  first_started_at: z.string(),
  last_started_at: z.string(),
  last_ingested_at: z.string(),
});
export type VersionActivity = RowOf<typeof VersionActivity>;

/** How many calls of a version were chosen for judging, and how many were to be expected. */
const SamplingCount = z.object({
  ...versionKey,
  calls: z.number(),
  sampled: z.number(),
  /** Sum of the calls' sampling rates, and 1 for each that its outcome chose: the expected number of sampled ones. */
  rate_sum: z.number(),
});
export type SamplingCount = RowOf<typeof SamplingCount>;

/** A slice of the inputs in which the outputs of a version moved, asserted and not over. */
const MovedSlice = z.object({
  ...versionKey,
  /** "" when they moved in no slice more than elsewhere. */
  slice: z.string(),
  /** Calls of the version chosen for judging there since the assertion. */
  sampled: z.number(),
});
export type MovedSlice = RowOf<typeof MovedSlice>;

/** Calls of one version for which exactly these slices held. */
const SliceMix = z.object({
  tenant: z.string(),
  env: z.string(),
  prompt_version: z.string(),
  held: z.array(z.string()),
  calls: z.number(),
});
export type SliceMix = RowOf<typeof SliceMix>;

/** A model that the provider says answered, for one version. */
const ResponseModel = z.object({
  tenant: z.string(),
  env: z.string(),
  prompt_version: z.string(),
  response_model: z.string(),
  calls: z.number(),
  first_started_at: z.string(),
  last_started_at: z.string(),
});
export type ResponseModel = RowOf<typeof ResponseModel>;

export const TRAFFIC = {
  versionTraffic: defineQuery("version_traffic", USE_CASE_PAGE, VersionTraffic),
  /** Versions with calls that the log accepted at or after `since`. */
  versionActivity: defineQuery("version_activity", SINCE, VersionActivity),
  /** Versions in the order of their first call in the window. */
  samplingCounts: defineQuery("sampling_counts", WINDOW, SamplingCount),
  /** Where outputs moved by an assertion since a moment that still stands. */
  movedSlices: defineQuery("moved_slices", SINCE, MovedSlice),
  /** Calls of a use case that started in the window, by version and slices. */
  /** Users of a version's calls, in slices that all hold; one row. */
  affectedPeople: defineQuery(
    "affected_people",
    z.object({ ...WINDOW.shape, ...versionKey, slices: z.array(z.string()) }),
    z.object({ people: z.number() }),
  ),
  sliceMix: defineQuery("slice_mix", USE_CASE_WINDOW, SliceMix),
  /** Of calls that started in the window and whose provider named the model. */
  responseModels: defineQuery("response_models", USE_CASE_WINDOW, ResponseModel),
};
