/**
 * The gate: may this version become live? Pure: an eval record, what is live now, and limits in; a decision with
 * reasons out. The registry and `plumbline eval` use the same function, so a developer sees what the registry will say.
 *
 * "Not worse by more than the margin" is read from the paired interval. By default a candidate is refused when the
 * whole interval lies below −margin (it is shown to be worse); `shown_not_worse` asks the opposite burden of proof
 * and needs hundreds of cases. The default lets small drops through when cases are few, which is why every decision
 * says what drop it could have seen, and why a canary follows.
 */
import { counted, DAY_MS, type GateLimits } from "@plumbline/schemas";
import { binomialCdf, holm, quantile } from "@plumbline/stats";
import type {
  GateDecision,
  GateExpectation,
  GateLimitsInForce,
  GateReason,
  GateRecord,
  GateRow,
} from "./gate-decision.ts";
import {
  costReasons,
  evalSetReasons,
  latencyReasons,
  listed,
  recordReasons,
  scoreReasons,
} from "./gate-reasons.ts";
import { type PairedDifference, exactUpper, pairedDifference } from "./paired-difference.ts";

export type * from "./gate-decision.ts";

/** Right for a use case nobody has thought about yet. Cost and latency limits compare with the incumbent only. */
const GATE_DEFAULTS: GateLimitsInForce = {
  margin: 0.02,
  require: "not_shown_worse",
  alpha: 0.05,
  min_cases: 20,
  slice_min_cases: 10,
  score_floor: null,
  pass_rate_floor: null,
  slice_floors: {},
  max_cost_increase: 0.5,
  max_cost_usd: null,
  max_latency_increase: 0.5,
  max_latency_ms_p95: null,
  max_record_age_ms: 7 * DAY_MS,
};

/** Without an incumbent nothing but floors can refuse: this share of the cases passes, unless a floor is set. */
const FIRST_PASS_RATE_FLOOR = 0.5;

const POWER = 0.8;
/** @param limits replace the defaults, key by key */
export function decideGate(
  record: GateRecord,
  expected: GateExpectation,
  limits: GateLimits,
  now: Date,
): GateDecision {
  const isFirst = record.incumbent === null;
  const force = limitsInForce(
    isFirst && limits.pass_rate_floor === undefined
      ? { ...limits, pass_rate_floor: FIRST_PASS_RATE_FLOOR }
      : limits,
  );
  const pairs = pairCases(record);
  const table = pairs.scored.length === 0 ? [] : tableOf(pairs.scored, force);
  const costs = {
    candidate: meanOf(record.candidate.cases.map((each) => each.cost_usd)),
    incumbent: meanOf(record.incumbent?.cases.map((each) => each.cost_usd) ?? []),
  };
  const latencies = {
    candidate: p95Of(record.candidate.cases.map((each) => each.latency_ms)),
    incumbent: p95Of(record.incumbent?.cases.map((each) => each.latency_ms) ?? []),
  };
  const reasons = [
    ...recordReasons(record, expected, force, now),
    ...evalSetReasons(expected, now),
    ...pairs.reasons,
    ...scoreReasons(pairs.scored, table, force, isFirst),
    ...costReasons(costs, !isFirst, force),
    ...latencyReasons(latencies, !isFirst, force),
  ];
  const paired = table[0]?.paired ?? null;
  return {
    decision: reasons.length === 0 ? "pass" : "fail",
    reasons,
    table,
    smallest_detectable_drop: paired === null ? null : smallestDetectableDropOfPairs(paired, force),
    cost_usd: costs,
    latency_ms_p95: latencies,
  };
}

/** The defaults, with every limit that is set in their place. */
export function limitsInForce(limits: GateLimits): GateLimitsInForce {
  return {
    margin: limits.margin ?? GATE_DEFAULTS.margin,
    require: limits.require ?? GATE_DEFAULTS.require,
    alpha: limits.alpha ?? GATE_DEFAULTS.alpha,
    min_cases: limits.min_cases ?? GATE_DEFAULTS.min_cases,
    slice_min_cases: limits.slice_min_cases ?? GATE_DEFAULTS.slice_min_cases,
    slice_floors: limits.slice_floors ?? GATE_DEFAULTS.slice_floors,
    max_record_age_ms: limits.max_record_age_ms ?? GATE_DEFAULTS.max_record_age_ms,
    // Null is a value here: it says that there is no limit.
    score_floor: orDefault(limits.score_floor, GATE_DEFAULTS.score_floor),
    pass_rate_floor: orDefault(limits.pass_rate_floor, GATE_DEFAULTS.pass_rate_floor),
    max_cost_increase: orDefault(limits.max_cost_increase, GATE_DEFAULTS.max_cost_increase),
    max_cost_usd: orDefault(limits.max_cost_usd, GATE_DEFAULTS.max_cost_usd),
    max_latency_increase: orDefault(limits.max_latency_increase, GATE_DEFAULTS.max_latency_increase),
    max_latency_ms_p95: orDefault(limits.max_latency_ms_p95, GATE_DEFAULTS.max_latency_ms_p95),
  };
}

function orDefault(limit: number | null | undefined, otherwise: number | null): number | null {
  return limit === undefined ? otherwise : limit;
}

interface ScoredPair {
  readonly slices: readonly string[];
  readonly candidate: number;
  readonly passes: boolean;
  readonly incumbent: number | null;
}

/** A case counts only when both versions ran and scored it. */
function pairCases({ candidate, incumbent }: GateRecord): {
  readonly scored: readonly ScoredPair[];
  readonly reasons: readonly GateReason[];
} {
  const old = new Map(incumbent?.cases.map((each) => [each.case_id, each]));
  const ids = new Set(candidate.cases.map((each) => each.case_id));
  const reasons: GateReason[] = [];
  const alone =
    incumbent === null
      ? []
      : [...[...ids].filter((id) => !old.has(id)), ...[...old.keys()].filter((id) => !ids.has(id))];
  const repeated =
    candidate.cases.length - ids.size + (incumbent === null ? 0 : incumbent.cases.length - old.size);
  if (alone.length > 0 || repeated > 0) {
    reasons.push({
      code: "unpaired_cases",
      message:
        alone.length > 0
          ? `${counted(alone.length, "case")} ${alone.length === 1 ? "was" : "were"} run under one version only${listed(alone)}`
          : `${counted(repeated, "result")} ${repeated === 1 ? "comes" : "come"} twice`,
      fix: "Run plumbline eval again without stopping it, on one eval set",
    });
  }
  const unscored = [...candidate.cases, ...(incumbent?.cases ?? [])].filter(({ score }) => !isScore(score));
  if (unscored.length > 0) {
    reasons.push({
      code: "unscored_cases",
      message: `${counted(unscored.length, "result")} ${unscored.length === 1 ? "has" : "have"} no score${listed([...new Set(unscored.map(({ case_id }) => case_id))])}`,
      fix: "See their reasons in the eval output: fix the prompt that gets no answer, the asserts or the judge, or take the cases out",
    });
  }
  const scored: ScoredPair[] = [];
  const seen = new Set<string>();
  for (const { case_id, slices, score, passes } of candidate.cases) {
    const other = old.get(case_id)?.score ?? null;
    if (!isScore(score) || seen.has(case_id)) continue;
    seen.add(case_id);
    if (incumbent !== null && !isScore(other)) continue;
    scored.push({ slices, candidate: score, passes, incumbent: other });
  }
  return { scored, reasons };
}

function tableOf(scored: readonly ScoredPair[], force: GateLimitsInForce): readonly GateRow[] {
  const bySlice = new Map<string, ScoredPair[]>();
  for (const pair of scored) {
    for (const slice of new Set(pair.slices)) {
      const inside = bySlice.get(slice);
      if (inside === undefined) bySlice.set(slice, [pair]);
      else inside.push(pair);
    }
  }
  const rows = [...bySlice.keys()].toSorted().map((slice) => rowOf(slice, bySlice.get(slice)!, force.alpha));
  const judged = rows.filter((row) => row.n >= force.slice_min_cases && row.paired !== null);
  const adjusted = holm(judged.map((row) => row.paired!.p_worse));
  const adjustedOf = new Map(judged.map((row, i) => [row, adjusted[i]!]));
  return [
    rowOf(null, scored, force.alpha),
    ...rows.map((row) => {
      const p = adjustedOf.get(row);
      return p === undefined ? row : { ...row, p_worse_adjusted: p };
    }),
  ];
}

function rowOf(slice: string | null, pairs: readonly ScoredPair[], alpha: number): GateRow {
  const olds = pairs.flatMap(({ incumbent }) => (incumbent === null ? [] : [incumbent]));
  const isPaired = olds.length === pairs.length;
  return {
    slice,
    n: pairs.length,
    candidate_score: mean(pairs.map(({ candidate }) => candidate)),
    incumbent_score: isPaired ? mean(olds) : null,
    paired: isPaired
      ? pairedDifference(
          pairs.map(({ candidate }, i) => candidate - olds[i]!),
          alpha,
        )
      : null,
    p_worse_adjusted: null,
  };
}

/**
 * The drop that is refused in four of five runs, when cases that change go from 1 to 0 and as many others improve as in
 * this run. By `exact_pairs`, so for fractional scores it is the optimistic side. Null when no drop would be.
 */
function smallestDetectableDropOfPairs(
  { n, wins }: PairedDifference,
  force: GateLimitsInForce,
): number | null {
  const isRefused = (losses: number): boolean =>
    force.require === "not_shown_worse"
      ? exactUpper(n, losses, wins, force.alpha) < -force.margin
      : -exactUpper(n, wins, losses, force.alpha) < -force.margin;
  const most = n - wins;
  if (most < 1 || !isRefused(most)) return null;
  let few = 0;
  let enough = most;
  if (isRefused(0)) enough = 0;
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (isRefused(middle)) enough = middle;
    else few = middle;
  }
  let unseen = 0;
  let seen = 1;
  for (let i = 0; i < 40; i++) {
    const rate = (unseen + seen) / 2;
    if (1 - binomialCdf(enough - 1, n, rate) >= POWER) seen = rate;
    else unseen = rate;
  }
  return Math.max(0, seen - wins / n);
}

function isScore(score: number | null | undefined): score is number {
  return typeof score === "number" && score >= 0 && score <= 1;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}

/** Null when a value is missing: a mean over the known part would flatter or damn by chance. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((each) => each !== null);
  return known.length === 0 || known.length < values.length ? null : mean(known);
}

function p95Of(values: readonly (number | null)[]): number | null {
  const known = values.filter((each) => each !== null).toSorted((a, b) => a - b);
  return known.length === 0 || known.length < values.length ? null : quantile(known, 0.95);
}
