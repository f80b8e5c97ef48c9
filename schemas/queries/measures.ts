/** What of all calls is measured, judged or not: their features, outcomes and inputs. */
import { z } from "zod";
import {
  binCounts,
  defineQuery,
  type RowOf,
  USE_CASE_PAGE,
  USE_CASE_WINDOW,
  versionKey,
  wholeTime,
} from "./define-query.ts";

/** The features of one version in one hour: slice, feature and counts of each cell. */
const FeatureCells = z.object({
  ...versionKey,
  hour: wholeTime,
  cells: z.array(z.tuple([z.string(), z.string(), binCounts])),
});

/** How a feature of the calls of one version was distributed in one hour, in all calls ("") or in one slice. */
export interface FeatureHour extends Omit<RowOf<typeof FeatureCells>, "cells"> {
  /** "" for all calls, `cell=…` for a cell of a partition of them, else the name of a slice. */
  readonly slice: string;
  /** `calls` counts calls in bin 0. */
  readonly feature: string;
  /** Pairs of bin and calls; the grid is described in `feature_hours.sql`. */
  readonly counts: readonly (readonly [number, number])[];
}

/** Outcome, latency, cost and cache of the calls of one version in one hour; sums. */
const OutcomeHour = z.object({
  ...versionKey,
  hour: wholeTime,
  calls: z.number(),
  ok_calls: z.number(),
  /** Answered by neither the primary path at once nor the application's own cache. */
  elsewhere_calls: z.number(),
  /** Of these, by a fallback model, a stale answer, a template or an error. */
  degraded_calls: z.number(),
  priced_calls: z.number(),
  cost_usd_sum: z.number(),
  /** Natural logarithms of US dollars. */
  log_cost_sum: z.number(),
  log_cost_square_sum: z.number(),
  /** On the grid of `FeatureHour`. */
  latency: binCounts,
  /** Input tokens read from the provider's cache, on the same grid; −1 when it did not say. */
  cached_tokens: binCounts,
  /** Pairs of model and calls; "" when the provider did not say. */
  response_models: z.array(z.tuple([z.string(), z.number()])),
});
export type OutcomeHour = RowOf<typeof OutcomeHour>;

/** A captured input of one day. */
const DriftText = z.object({
  tenant: z.string(),
  env: z.string(),
  /** Midnight UTC. */
  day: wholeTime,
  text_id: z.string(),
  text: z.string(),
});

/** Texts of one call, cut for a reader; null where one was not captured. */
const ExampleText = z.object({
  call_id: z.string(),
  started_at: z.string(),
  input: z.string().nullable(),
  output: z.string().nullable(),
});
export type ExampleText = RowOf<typeof ExampleText>;

export const MEASURES = {
  /** Outcomes of the calls that started in the window, of whole hours; hours ascending. */
  outcomeHours: defineQuery("outcome_hours", USE_CASE_PAGE, OutcomeHour),
  /** Texts of the calls that an alert shows. */
  exampleTexts: defineQuery(
    "example_texts",
    z.object({ tenant: z.string(), use_case: z.string(), call_ids: z.array(z.string()) }),
    ExampleText,
  ),
  /** A sample of a use case's captured inputs, always the same one, at most `day_limit` a day; days ascending. */
  driftTexts: defineQuery(
    "drift_texts",
    z.object({ ...USE_CASE_WINDOW.shape, day_limit: z.number() }),
    DriftText,
  ),
};

/** Of `Store.featureHours`, which takes the cells apart. */
export const FEATURE_CELLS = defineQuery("feature_hours", USE_CASE_PAGE, FeatureCells);
