/** What a replay found, in numbers and in words. */
import { pairedDifference } from "@plumbline/gate/paired-difference";
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
  const { use_case, criterion, judge, replayed, scores, found, cost_usd } = report;
  const lines = [
    `${use_case}, ${report.from.slice(0, 16)} to ${report.to.slice(0, 16)} UTC: ${whole(replayed)} of ${whole(found.calls)} calls replayed, ${criterion} judged by ${judge}.`,
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
    `${worse} worse, ${better} better, ${replayed - worse - better} equal. Cost $${cost_usd.toFixed(4)}.`,
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
    [found.unanswered, "did not answer, and have nothing to compare with"],
    [found.without_texts, "have no stored input and output, which are kept 30 days where capture is on"],
    [skipped.no_variables, "were stored without variables, and the prompt has several"],
    [skipped.not_answered, "got no usable answer from the provider"],
    [skipped.cannot_judge, "could not be judged"],
    [skipped.not_asked, "were left undone: the next one might have exceeded --max-cost"],
    [input_used, "were stored without variables; their input stood for the only one"],
  ];
  return [
    ...said.filter(([count]) => count > 0).map(([count, what]) => `  ${whole(count)} ${what}`),
    ...(is_budget_spent ? ["  The budget ended the replay early; the numbers below are of a part."] : []),
  ];
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
