import { formatTable } from "../text/table.ts";
import { count } from "../text/spoken.ts";
import { THRESHOLDS, type Tuning } from "./false-hit-curve.ts";

export interface TuningReport extends Tuning {
  readonly pairs: number;
  readonly same_pairs: number;
  readonly repeated: number;
  readonly shared_questions: number;
  readonly ruled_out: number;
  readonly ruled_out_same: number;
  readonly not_compared: number;
  readonly judged: number;
  readonly unknown: number;
  /** Null when no pair was put to it. */
  readonly judge: string | null;
}

export function describeTuning(report: TuningReport): string {
  const { pairs, same_pairs, ruled_out, ruled_out_same, not_compared, judged, unknown, judge } = report;
  const lines = [
    `${count(pairs, "pair")}: one answer serves both in ${same_pairs}, not in ${pairs - same_pairs}`,
    ...(judge === null
      ? []
      : [`${count(judged, "pair")} compared by ${judge}; ${unknown} that it can't judge are left out`]),
    `kept apart by numbers, names, dates, negations or words: ${ruled_out}, of which one answer serves ${ruled_out_same}`,
    ...(not_compared === 0 ? [] : [`never compared, in languages without rules: ${not_compared}`]),
    "",
    formatTable([HEAD, ...report.curve.map(rowOf)]).trimEnd(),
    "",
    conclusion(report),
  ];
  return `${lines.join("\n")}\n`;
}

const HEAD = ["THRESHOLD", "HITS", "FALSE", "SHARE", "95% INTERVAL", "FOUND"];

function rowOf({
  threshold,
  hits,
  false_hits,
  interval,
  found_share,
}: Tuning["curve"][number]): readonly string[] {
  return [
    threshold.toFixed(2),
    String(hits),
    String(false_hits),
    hits === 0 ? "–" : percent(false_hits / hits),
    hits === 0 ? "–" : `${percent(interval.lower)} to ${percent(interval.upper)}`,
    found_share === null ? "–" : percent(found_share),
  ];
}

/** What these pairs allow to say, in one sentence or two. */
function conclusion(report: TuningReport): string {
  const { threshold, why_not, curve, hits_needed, max_false_share, shared_questions } = report;
  const most = percent(max_false_share);
  const caution =
    shared_questions === 0
      ? ""
      : ` ${count(shared_questions, "question")} ${shared_questions === 1 ? "stands" : "stand"} in more than one pair, so the intervals are narrower than they should be.`;
  if (threshold === null) {
    const hits = curve.find((point) => point.threshold === THRESHOLDS[0])!.hits;
    return why_not === "too_few_hits"
      ? `These pairs can't say which threshold keeps false hits under ${most}: that takes ${hits_needed} hits without a false one, and there are ${hits} at ${THRESHOLDS[0]!.toFixed(2)}. Add pairs of questions that are near each other.${caution}`
      : `No threshold can be shown to keep false hits under ${most}: from the strictest with ${hits_needed} hits on, too many are false. Leave answers by meaning off, or add pairs to look closer.${caution}`;
  }
  const point = curve.find((each) => each.threshold === threshold)!;
  const found =
    point.found_share === null
      ? ""
      : ` It finds ${percent(point.found_share)} of the pairs that one answer serves.`;
  return `Threshold ${threshold.toFixed(2)} keeps false hits under ${most}: ${point.false_hits} of ${point.hits} hits, at most ${percent(point.interval.upper)} with 95%.${found}${caution}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 2 : 1)}%`;
}
