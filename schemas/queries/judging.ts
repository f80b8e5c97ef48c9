/** What is judged, by whom, and what waits for its verdict. */
import { z } from "zod";
import { PROTECTED } from "../events/verdict.ts";
import {
  defineQuery,
  type RowOf,
  seriesKey,
  time,
  USE_CASE_PAGE,
  USE_CASE_WINDOW,
  versionKey,
  WINDOW,
  wholeTime,
} from "./define-query.ts";

/** One judged conversation of one day: the unit of every statistic of quality. */
const JudgedUnitRow = z.object({
  ...seriesKey,
  is_guardrail: z.boolean(),
  /** What the guardrail is for, beyond the answer; null or absent for the answer itself. */
  protects: z.enum(PROTECTED).nullable().exactOptional(),
  prompt_version: z.string(),
  /** When its first verdict arrived. */
  judged_at: z.string(),
  /** The call that the verdict is about. */
  call_id: z.string(),
  /** In [0,1]. */
  score: z.number(),
  slices: z.array(z.string()),
  /** Probability with which it was selected. */
  sample_rate: z.number(),
  /** Equal for units of one use case with the same input; empty or absent when the text was not captured. */
  input_fingerprint: z.string().exactOptional(),
});
export type JudgedUnitRow = RowOf<typeof JudgedUnitRow>;

/** Judged units of a version in one hour. */
const JudgedUnitCount = z.object({
  ...seriesKey,
  prompt_version: z.string(),
  /** Start of the hour in which the verdicts arrived. */
  hour: wholeTime,
  units: z.number(),
});

/** How one judge's verdicts compare with people's labels of the same calls, in calls. */
const JudgeLabels = z.object({
  ...seriesKey,
  /** Judged calls without a label. */
  unlabelled_pass: z.number(),
  unlabelled_fail: z.number(),
  both_pass: z.number(),
  both_fail: z.number(),
  judge_pass_human_fail: z.number(),
  judge_fail_human_pass: z.number(),
  /** Scores other than 0 and 1. */
  partial_scores: z.number(),
  /** Null without labels. */
  oldest_label_at: wholeTime.nullable(),
});
export type JudgeLabels = RowOf<typeof JudgeLabels>;

/** Agreement of a judge with its own frozen verdicts on the anchor items, on one day. */
const AnchorDay = z.object({
  tenant: z.string(),
  env: z.string(),
  /** `<use case>/<criterion>`. */
  criterion: z.string(),
  rubric_hash: z.string(),
  judge: z.string(),
  /** Midnight UTC. */
  day: wholeTime,
  items: z.number(),
  agreements: z.number(),
});
export type AnchorDay = RowOf<typeof AnchorDay>;

/** A call on the judge's work list, without its texts. */
const WorkItem = z.object({
  call_id: z.string(),
  ...versionKey,
  model: z.string(),
  conversation_id: z.string(),
  started_at: z.string(),
  ingested_at: z.string(),
  slices: z.array(z.string()),
  sample_rate: z.number(),
  /** The call announces texts. */
  has_payload: z.boolean(),
});

/** A sampled call that has no verdict yet. */
export interface PendingCall extends Omit<RowOf<typeof WorkItem>, "has_payload"> {
  /**
   * stored: what was captured is in `input` and `output`. not_captured: the call announces that there are no texts.
   * missing: it announces texts that are not in the store, not yet or no longer.
   */
  readonly texts: "stored" | "not_captured" | "missing";
  /** Null when this text was not captured, and while both are missing. */
  readonly input: string | null;
  readonly output: string | null;
}

const CallTexts = z.object({
  tenant: z.string(),
  call_id: z.string(),
  input: z.string().nullable(),
  output: z.string().nullable(),
});

export const JUDGING = {
  /** Units whose verdict arrived in the window; sorted by series, version and arrival. */
  judgedUnits: defineQuery("judged_units", USE_CASE_PAGE, JudgedUnitRow),
  /** The same units, counted; the window is whole hours. */
  judgedUnitCounts: defineQuery("judged_unit_counts", USE_CASE_PAGE, JudgedUnitCount),
  /** Labels given in the window, against the verdicts of every judge of the use case. */
  judgeLabels: defineQuery("judge_labels", USE_CASE_WINDOW, JudgeLabels),
  /** Re-judgements of anchor items in the window of judging time; days ascending. */
  anchorDays: defineQuery("anchor_days", WINDOW, AnchorDay),
};

/** The two steps of `Store.pendingCalls`: the texts of a page of calls are asked for on their own. */
export const WORK_LIST = {
  calls: defineQuery(
    "pending_calls",
    z.object({ criterion: z.string(), rubric_hash: z.string(), limit: z.number(), since: time }),
    WorkItem,
  ),
  texts: defineQuery(
    "call_texts",
    z.object({ ...WINDOW.shape, tenants: z.array(z.string()), call_ids: z.array(z.string()) }),
    CallTexts,
  ),
};
