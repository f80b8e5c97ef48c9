/** Why the gate refuses: one function a subject, each reason with its numbers and what to do. */
import { counted, DAY_MS } from "@plumbline/schemas";
import type { GateExpectation, GateLimitsInForce, GateReason, GateRecord, GateRow } from "./gate-decision.ts";
import type { PairedDifference } from "./paired-difference.ts";

/** Differences of a mean of floats are not exact; a limit is not missed by a rounding error. */
const EPSILON = 1e-9;

export function recordReasons(
  record: GateRecord,
  expected: GateExpectation,
  force: GateLimitsInForce,
  now: Date,
): readonly GateReason[] {
  const reasons: GateReason[] = [];
  const { candidate, incumbent } = record;
  if (candidate.prompt_version !== expected.candidate_version) {
    reasons.push({
      code: "other_candidate",
      message: `the record is of ${short(candidate.prompt_version)}, not of ${short(expected.candidate_version)}`,
      fix: `Run plumbline eval on ${short(expected.candidate_version)}`,
    });
  }
  const compared = incumbent?.prompt_version ?? null;
  if (compared !== expected.live_version) {
    reasons.push({
      code: "stale_incumbent",
      message: `the record compares with ${compared === null ? "nothing" : short(compared)}, but ${expected.live_version === null ? "nothing" : short(expected.live_version)} is live now`,
      fix: "Run plumbline eval again: it compares with what is live",
    });
  }
  if (record.eval_set_hash !== expected.eval_set.hash) {
    reasons.push({
      code: "other_eval_set",
      message: `the record is of eval set ${short(record.eval_set_hash)}, the registered one is ${short(expected.eval_set.hash)}`,
      fix: "Push the eval set, then run plumbline eval again",
    });
  }
  const names = [
    ...new Set([...Object.keys(record.rubric_hashes), ...Object.keys(expected.rubric_hashes)]),
  ].toSorted();
  const changed = names.filter((name) => record.rubric_hashes[name] !== expected.rubric_hashes[name]);
  if (changed.length > 0) {
    reasons.push({
      code: "other_rubric",
      message: `the record was judged by another version of ${changed.join(", ")}`,
      fix: "Push the rubrics, then run plumbline eval again",
    });
  }
  const age = now.getTime() - record.finished_at.getTime();
  if (!(age <= force.max_record_age_ms)) {
    reasons.push({
      code: "old_record",
      message: `the record is ${days(age)} old; at most ${days(force.max_record_age_ms)} count`,
      fix: "Run plumbline eval again: models behind a name change",
    });
  }
  return reasons;
}

export function evalSetReasons({ eval_set: set }: GateExpectation, now: Date): readonly GateReason[] {
  const reasons: GateReason[] = [];
  if (set.owner === null || set.owner.trim() === "") {
    reasons.push({
      code: "eval_set_owner",
      message: "the eval set has no owner",
      fix: "Set eval_set.owner in plumbline.config to who keeps the cases honest",
    });
  }
  if (set.cadence_ms === null) {
    reasons.push({
      code: "eval_set_cadence",
      message: "nobody promised to extend the eval set",
      fix: "Set eval_set.cadence in plumbline.config, such as 90d",
    });
  }
  if (set.newest_case_at === null) {
    reasons.push({
      code: "eval_set_age",
      message: "no case says when it was added, so the set's age is unknown",
      fix: 'Write "added":"YYYY-MM-DD" into the metadata of the cases',
    });
  } else if (set.cadence_ms !== null && now.getTime() - set.newest_case_at.getTime() > set.cadence_ms) {
    reasons.push({
      code: "eval_set_age",
      message: `the newest case is ${days(now.getTime() - set.newest_case_at.getTime())} old; the cadence is ${days(set.cadence_ms)}`,
      fix: "Add cases from recent traffic, push the set, and run plumbline eval again",
    });
  }
  return reasons;
}

export function scoreReasons(
  scored: readonly { readonly passes: boolean; readonly candidate: number }[],
  table: readonly GateRow[],
  force: GateLimitsInForce,
  isFirst: boolean,
): readonly GateReason[] {
  const reasons: GateReason[] = [];
  const [all, ...slices] = table;
  if (all === undefined || all.n < force.min_cases) {
    reasons.push({
      code: "too_few_cases",
      message: `${all?.n ?? 0} scored cases; at least ${force.min_cases} are needed`,
      fix: "Add labelled cases from production, such as calls that the judge failed",
    });
  }
  if (all === undefined) return reasons;
  // Two versions that both answer nothing of use differ by nothing: a broken provider would let everything pass.
  if (scored.every(({ candidate }) => candidate === 0)) {
    reasons.push({
      code: "all_zero",
      message: `every one of the ${all.n} scored cases scores 0: nothing says that the version works`,
      fix: "Read the answers (plumbline eval --out FILE): the model's address, the asserts or the prompt is wrong",
    });
  }
  const { paired } = all;
  if (paired !== null && force.require === "not_shown_worse" && paired.upper < -force.margin) {
    reasons.push({
      code: "worse",
      message: `the mean score fell by ${points(-paired.difference)} (${interval(paired, force.alpha)}), more than the margin of ${points(force.margin)}; ${counted(paired.losses, "case")} got worse, ${paired.wins} better`,
      fix: "Read the cases that got worse in the eval output, and change the prompt",
    });
  }
  if (paired !== null && force.require === "shown_not_worse" && paired.lower < -force.margin) {
    reasons.push({
      code: "not_shown_as_good",
      message: `a fall by more than ${points(force.margin)} is not ruled out: ${interval(paired, force.alpha)} with ${counted(paired.n, "case")}`,
      fix: "Add cases until the interval is narrow enough, or set gate.require to not_shown_worse and rely on a canary",
    });
  }
  if (force.score_floor !== null && all.candidate_score < force.score_floor - EPSILON) {
    reasons.push({
      code: "score_floor",
      message: `the mean score is ${all.candidate_score.toFixed(3)}, the floor ${force.score_floor}`,
      fix: "Improve the prompt; lower gate.score_floor only with the owner",
    });
  }
  const passRate = scored.filter(({ passes }) => passes).length / scored.length;
  if (force.pass_rate_floor !== null && passRate < force.pass_rate_floor - EPSILON) {
    reasons.push({
      code: "pass_rate_floor",
      message: `${percent(passRate)} of the cases pass, the floor ${isFirst ? "of a first version, which has nothing to compare with, " : ""}is ${percent(force.pass_rate_floor)}`,
      fix: "Improve the prompt; lower gate.pass_rate_floor only with the owner",
    });
  }
  for (const [slice, floor] of Object.entries(force.slice_floors)) {
    const row = slices.find((each) => each.slice === slice);
    if (row !== undefined && row.candidate_score >= floor - EPSILON) continue;
    reasons.push({
      code: "slice_floor",
      message:
        row === undefined
          ? `no scored case is in slice ${slice}, which has a floor of ${floor}`
          : `the mean score of slice ${slice} is ${row.candidate_score.toFixed(3)}, the floor ${floor}`,
      fix:
        row === undefined
          ? `Add cases with ${slice} in metadata.slice`
          : "Improve the prompt for these cases",
    });
  }
  for (const { slice, paired: difference, p_worse_adjusted: p } of slices) {
    if (difference === null || p === null || p > force.alpha || difference.difference >= 0) continue;
    reasons.push({
      code: "slice_worse",
      message: `slice ${slice} fell by ${points(-difference.difference)} over ${counted(difference.n, "case")} (p = ${p.toPrecision(2)} after Holm)`,
      fix: "Read these cases in the eval output; a good mean does not make up for them",
    });
  }
  return reasons;
}

interface Compared {
  readonly candidate: number | null;
  readonly incumbent: number | null;
}

export function costReasons(
  costs: Compared,
  isComparison: boolean,
  force: GateLimitsInForce,
): readonly GateReason[] {
  const { candidate, incumbent } = costs;
  const hasIncrease = isComparison && force.max_cost_increase !== null;
  if (force.max_cost_usd === null && !hasIncrease) return [];
  if (candidate === null || (hasIncrease && incumbent === null)) {
    return [
      {
        code: "cost_unknown",
        message: "the cost of some cases is unknown, so the cost limit cannot be checked",
        fix: "Add the model's price, or set gate.max_cost_increase and gate.max_cost_usd to null",
      },
    ];
  }
  const reasons: GateReason[] = [];
  if (force.max_cost_usd !== null && candidate > force.max_cost_usd + EPSILON) {
    reasons.push({
      code: "cost",
      message: `a case costs $${candidate.toPrecision(3)} on average, the limit is $${force.max_cost_usd}`,
      fix: "Shorten the prompt, lower max_tokens or take a smaller model",
    });
  }
  if (hasIncrease && incumbent !== null && candidate > incumbent * (1 + force.max_cost_increase!) + EPSILON) {
    reasons.push({
      code: "cost",
      message: `a case costs $${candidate.toPrecision(3)} instead of $${incumbent.toPrecision(3)}; at most ${percent(force.max_cost_increase!)} more is allowed`,
      fix: "Shorten the prompt, lower max_tokens, or raise gate.max_cost_increase with the owner",
    });
  }
  return reasons;
}

export function latencyReasons(
  latencies: Compared,
  isComparison: boolean,
  force: GateLimitsInForce,
): readonly GateReason[] {
  const { candidate, incumbent } = latencies;
  const hasIncrease = isComparison && force.max_latency_increase !== null;
  if (force.max_latency_ms_p95 === null && !hasIncrease) return [];
  if (candidate === null || (hasIncrease && incumbent === null)) {
    return [
      {
        code: "latency_unknown",
        message: "some latencies were not measured, so the latency limit cannot be checked",
        fix: "Run plumbline eval again, or set gate.max_latency_increase and gate.max_latency_ms_p95 to null",
      },
    ];
  }
  const reasons: GateReason[] = [];
  if (force.max_latency_ms_p95 !== null && candidate > force.max_latency_ms_p95) {
    reasons.push({
      code: "latency",
      message: `p95 latency is ${Math.round(candidate)} ms, the limit ${force.max_latency_ms_p95} ms`,
      fix: "Shorten the answer or take a faster model",
    });
  }
  if (hasIncrease && incumbent !== null && candidate > incumbent * (1 + force.max_latency_increase!)) {
    reasons.push({
      code: "latency",
      message: `p95 latency is ${Math.round(candidate)} ms instead of ${Math.round(incumbent)} ms; at most ${percent(force.max_latency_increase!)} more is allowed`,
      fix: "Run again to rule out a slow hour of the provider; else shorten the answer or take a faster model",
    });
  }
  return reasons;
}

function points(difference: number): string {
  return `${(difference * 100).toFixed(1)} points`;
}

function interval({ lower, upper }: PairedDifference, alpha: number): string {
  return `${Math.round((1 - 2 * alpha) * 100)}% interval ${(lower * 100).toFixed(1)} to ${(upper * 100).toFixed(1)}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function days(ms: number): string {
  return counted(Math.round(ms / DAY_MS), "day");
}

function short(hash: string): string {
  return hash.replace(/^sha256:/, "").slice(0, 12);
}

export function listed(ids: readonly string[]): string {
  return ids.length === 0 ? "" : `: ${ids.slice(0, 5).join(", ")}${ids.length > 5 ? ", …" : ""}`;
}
