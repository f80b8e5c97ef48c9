/** Folds the checked answers into what is recorded and what is printed. Pure. */
import type { AssertResult, EvalCase } from "@plumbline/prompts";
import type { EvalRecord } from "@plumbline/schemas";
import { decideGate, type GateDecision, limitsInForce } from "@plumbline/gate/gate";
import { quantile, wilsonInterval } from "@plumbline/stats";
import type { EvalPlan } from "./plan.ts";
import type { CaseRun, CaseRuns, Side } from "./run-cases.ts";

export interface PassRate {
  readonly passes: number;
  readonly n: number;
  /** Wilson, 95%. */
  readonly lower: number;
  readonly upper: number;
}

/** A case that the candidate does not pass. */
export interface Miss {
  readonly case_id: string;
  /** `contains`, `llm-rubric`, …; `answer` when there is none. */
  readonly assert: string;
  readonly reason: string;
  /** Null without an incumbent. */
  readonly incumbent_passes: boolean | null;
}

interface SideSummary {
  readonly pass_rate: PassRate | null;
  readonly latency_ms_p50: number | null;
  readonly latency_ms_p95: number | null;
  /** Mean US dollars per case; null when unknown. */
  readonly cost_usd_per_case: number | null;
  /** Of all answers, those from the cache included; null when unknown. */
  readonly cost_usd_total: number | null;
}

export interface EvalSummary {
  readonly record: EvalRecord;
  /** By the registry's own rules, from this record alone. */
  readonly decision: GateDecision;
  readonly alpha: number;
  readonly slice_min_cases: number;
  readonly candidate: SideSummary;
  readonly incumbent: SideSummary | null;
  readonly misses: readonly Miss[];
  /** Cases without all of their answers; they are in nothing above. */
  readonly undone: number;
  readonly answers: { readonly planned: number; readonly made: number; readonly cached: number };
}

interface SummaryOptions {
  readonly repeat: number;
  readonly judge: string;
  readonly finishedAt: Date;
}

export function summarise(plan: EvalPlan, { runs, planned }: CaseRuns, options: SummaryOptions): EvalSummary {
  const { repeat, finishedAt } = options;
  const { eval_set: evalSet, rubrics, gate } = plan.settings;
  const sides: readonly Side[] = plan.incumbent === null ? ["candidate"] : ["candidate", "incumbent"];
  const byCase = groupByCase(runs);
  const done = plan.cases.filter(({ id }) =>
    sides.every((side) => (byCase.get(`${side} ${id}`) ?? []).length === repeat),
  );
  const resultsOf = (side: Side) =>
    done.map((evalCase) => caseResult(evalCase, byCase.get(`${side} ${evalCase.id}`)!));
  const candidate = { prompt_version: plan.candidate.prompt_version, cases: resultsOf("candidate") };
  const incumbent =
    plan.incumbent === null
      ? null
      : { prompt_version: plan.incumbent.prompt_version, cases: resultsOf("incumbent") };
  const record: EvalRecord = {
    candidate,
    incumbent,
    eval_set_hash: plan.set.hash,
    rubric_hashes: rubrics,
    finished_at: finishedAt.toISOString(),
    judge: options.judge,
    repeat,
  };
  const force = limitsInForce(gate);
  return {
    record,
    decision: decideGate(
      { ...record, finished_at: finishedAt },
      {
        candidate_version: candidate.prompt_version,
        live_version: incumbent?.prompt_version ?? null,
        eval_set: {
          hash: plan.set.hash,
          owner: evalSet?.owner ?? null,
          cadence_ms: evalSet?.cadence_ms ?? null,
          newest_case_at: plan.set.newest_added === null ? null : new Date(plan.set.newest_added),
        },
        rubric_hashes: rubrics,
      },
      gate,
      finishedAt,
    ),
    alpha: force.alpha,
    slice_min_cases: force.slice_min_cases,
    candidate: sideSummary(candidate.cases),
    incumbent: incumbent === null ? null : sideSummary(incumbent.cases),
    misses: missesOf(done, byCase, incumbent?.cases ?? null),
    undone: plan.cases.length - done.length,
    answers: { planned, made: runs.length, cached: runs.filter((run) => run.is_cached).length },
  };
}

type CaseResult = EvalRecord["candidate"]["cases"][number];

/** The mean over repeats. A case passes when every repeat passes; it has a score when every repeat has one. */
function caseResult({ id, slices }: EvalCase, runs: readonly CaseRun[]): CaseResult {
  return {
    case_id: id,
    score: meanOf(runs.map(({ outcome }) => outcome?.score ?? null)),
    passes: runs.every(({ outcome }) => outcome?.outcome === "pass"),
    slices: [...slices],
    cost_usd: meanOf(runs.map((run) => run.cost_usd)),
    latency_ms: meanOf(runs.map((run) => run.latency_ms)),
  };
}

function groupByCase(runs: readonly CaseRun[]): ReadonlyMap<string, readonly CaseRun[]> {
  const groups = new Map<string, CaseRun[]>();
  for (const run of runs) {
    const key = `${run.side} ${run.case.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return groups;
}

function sideSummary(cases: readonly CaseResult[]): SideSummary {
  const passes = cases.filter((each) => each.passes).length;
  const n = cases.length;
  const latencies = cases
    .flatMap(({ latency_ms }) => (latency_ms === null ? [] : [latency_ms]))
    .toSorted((a, b) => a - b);
  const cost = meanOf(cases.map((each) => each.cost_usd));
  return {
    pass_rate: n === 0 ? null : { passes, n, ...wilsonInterval(passes, n) },
    latency_ms_p50: latencies.length === 0 ? null : quantile(latencies, 0.5),
    latency_ms_p95: latencies.length === 0 ? null : quantile(latencies, 0.95),
    cost_usd_per_case: cost,
    cost_usd_total: cost === null ? null : cost * n,
  };
}

/** First those that the incumbent passes: they are what the change broke. */
function missesOf(
  cases: readonly EvalCase[],
  byCase: ReadonlyMap<string, readonly CaseRun[]>,
  incumbent: readonly CaseResult[] | null,
): readonly Miss[] {
  const old = new Map(incumbent?.map((each) => [each.case_id, each.passes]));
  const misses = cases.flatMap(({ id }): readonly Miss[] => {
    const run = byCase.get(`candidate ${id}`)!.find(({ outcome }) => outcome?.outcome !== "pass");
    if (run === undefined) return [];
    const failed = run.outcome?.asserts.find(({ outcome, weight }) => outcome !== "pass" && weight > 0);
    return [
      {
        case_id: id,
        assert: failed?.type ?? (run.outcome === null ? "answer" : "assert"),
        reason: run.problem ?? run.lack ?? (failed === undefined ? "nothing is asserted" : reasonOf(failed)),
        incumbent_passes: old.get(id) ?? null,
      },
    ];
  });
  return misses.toSorted((a, b) => Number(b.incumbent_passes === true) - Number(a.incumbent_passes === true));
}

/** Of a plain assert the reason is its condition; a judge gives one in words. */
function reasonOf({ type, outcome, reason }: AssertResult): string {
  if (outcome === "not_run") return `not run: ${reason}`;
  return type === "llm-rubric" ? reason : `does not hold: ${reason}`;
}

/** Null when a value is missing. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((each) => each !== null);
  if (known.length === 0 || known.length < values.length) return null;
  return known.reduce((sum, each) => sum + each, 0) / known.length;
}
