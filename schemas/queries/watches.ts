/** What the monitor froze and found out before: baselines, and the states that versions reached. */
import { z } from "zod";
import { defineQuery, type RowOf, seriesKey, SINCE } from "./define-query.ts";

/** A frozen baseline as stored. */
const BaselineRow = z.object({
  ...seriesKey,
  snapshot_id: z.string(),
  prompt_version: z.string(),
  /** Version that the reference came from; "" when several. */
  incumbent_version: z.string(),
  /** First call of the version. */
  deployed_at: z.string(),
  reference_start: z.string(),
  reference_end: z.string(),
  units: z.number(),
  score_sum: z.number(),
  /** The whole baseline, plain JSON, as the statistics made it. */
  snapshot: z.string().transform((json): unknown => JSON.parse(json)),
  created_at: z.string(),
});
export type BaselineRow = RowOf<typeof BaselineRow>;

/** A state that a version reached; there is none for "no difference". */
const QualityStateRow = z.object({
  ...seriesKey,
  prompt_version: z.string(),
  snapshot_id: z.string(),
  state: z.enum(["WATCHING", "CLEARED", "REGRESSED"]),
  at: z.string(),
  /** Judged since the start of the watch. */
  units: z.number(),
  /** Nats. */
  log_m: z.number(),
  log_threshold: z.number(),
});
export type QualityStateRow = RowOf<typeof QualityStateRow>;

export const WATCHES = {
  /** Frozen at or after `since`, oldest first within a series. */
  baselines: defineQuery("baseline_snapshots", SINCE, BaselineRow),
  /** Reached at or after `since`, oldest first within a series. */
  qualityStates: defineQuery("quality_states", SINCE, QualityStateRow),
};
