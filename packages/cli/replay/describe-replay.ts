/** What a replay found, in numbers and in words. */
import { count } from "../text/spoken.ts";
import { pairedDifference } from "@plumbline/gate/paired-difference";
import { noPriceOf, type Unpriced } from "../eval/wording.ts";
import { formatTable } from "../text/table.ts";
import type { Replay, ReplayedCall } from "./replay-calls.ts";
import type { Counts } from "./stored-calls.ts";

/** One-sided; together an interval of level 95%. */
const ALPHA = 0.025;
/** Calls shown line by line: those that lost most. */
const LINES_MAX = 10;

export interface ReplayReport {
  readonly use_case: string;
  readonly from: string;
  readonly to: string;
  readonly criterion: string;
  /** What stands under before and after. */
  readonly before: string;
  readonly after: string;
  readonly judge: string;
  readonly found: Counts;
  readonly replayed: number;
  readonly skipped: Replay["skipped"];
  readonly input_used: number;
  readonly is_budget_spent: boolean;
  readonly cost_usd: number;
  /** Answers whose cost is not known, which are not in `cost_usd`. */
  readonly unpriced: readonly Unpriced[];
  /** Null when nothing was replayed. */
  readonly scores: {
    readonly before: number;
    readonly after: number;
    readonly difference: number;
    /** Level 95%. */
    readonly interval: readonly [number, number];
    readonly worse: number;
    readonly better: number;
  } | null;
  readonly calls: readonly Omit<ReplayedCall, "input" | "output_before" | "output_after">[];
}

export function compareScores(calls: readonly ReplayedCall[]): ReplayReport["scores"] {
  if (calls.length === 0) return null;
  const { difference, lower, upper, losses, wins } = pairedDifference(
    calls.map(({ before, after }) => after - before),
    ALPHA,
  );
  const mean = (side: "before" | "after"): number =>
    calls.reduce((sum, call) => sum + call[side], 0) / calls.length;
  return {
    before: mean("before"),
    after: mean("after"),
    difference,
    interval: [lower, upper],
    worse: losses,
    better: wins,
  };
}

export function describeReplay(report: ReplayReport): string {
  const { use_case, criterion, judge, replayed, scores, found } = report;
  const lines = [
    `${use_case}, ${report.from.slice(0, 16)} to ${report.to.slice(0, 16)} UTC: ${whole(replayed)} of ${count(found.calls, "call")} replayed, ${criterion} judged by ${judge}.`,
    ...describeSkipped(report),
    "",
  ];
  if (scores === null) return [...lines, "Nothing to compare."].join("\n");
  const { before, after, difference, interval, worse, better } = scores;
  lines.push(
    formatTable([
      ["", "mean score"],
      [report.before, before.toFixed(3)],
      [report.after, after.toFixed(3)],
      [
        "difference",
        `${signed(difference)} [${signed(interval[0])}, ${signed(interval[1])}]  ${verdictOf(interval)}`,
      ],
    ]),
    "",
    `${worse} worse, ${better} better, ${replayed - worse - better} equal. ${costOf(report)}`,
  );
  const lost = report.calls
    .filter((call) => call.after !== call.before)
    .toSorted((a, b) => a.after - a.before - (b.after - b.before))
    .slice(0, LINES_MAX);
  if (lost.length === 0) return lines.join("\n");
  lines.push(
    "",
    formatTable([
      ["call", "before", "after", "why"],
      ...lost.map((call) => [
        call.call_id,
        call.before.toFixed(2),
        call.after.toFixed(2),
        call.reason.replaceAll(/\s+/g, " ").slice(0, 100),
      ]),
    ]),
  );
  return lines.join("\n");
}

function describeSkipped({ found, skipped, input_used, is_budget_spent }: ReplayReport): readonly string[] {
  const said: readonly (readonly [number, string])[] = [
    [found.unanswered, "without an answer, and so with nothing to compare with"],
    [found.without_texts, "without stored input and output, which are kept 30 days where capture is on"],
    [skipped.no_variables, "stored without variables, where the prompt has several"],
    [skipped.not_answered, "without a usable answer from the provider"],
    [skipped.cannot_judge, "that could not be judged"],
    [skipped.not_asked, "left undone: the next one might have exceeded --max-cost"],
    [input_used, "stored without variables; the input stood for the only one"],
  ];
  return [
    ...said.filter(([calls]) => calls > 0).map(([calls, what]) => `  ${count(calls, "call")} ${what}`),
    ...(is_budget_spent ? ["  The budget ended the replay early; the numbers below are of a part."] : []),
  ];
}

function costOf({ cost_usd, unpriced }: ReplayReport): string {
  if (unpriced.length === 0) return `Cost $${cost_usd.toFixed(4)}.`;
  const known = cost_usd === 0 ? "The cost is unknown" : `Cost $${cost_usd.toFixed(4)} and an unknown sum`;
  return `${known}: ${noPriceOf(unpriced)}.`;
}

function verdictOf([low, high]: readonly [number, number]): string {
  return high < 0 ? "worse" : low > 0 ? "better" : "no difference shown";
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`;
}

function whole(value: number): string {
  return value.toLocaleString("en");
}
