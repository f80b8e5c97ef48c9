/** The result of one use case, as `--json` and `--out` give it. */
import { diffPrompts, shortVersion } from "@plumbline/prompts";
import type { EvalPlan } from "./plan.ts";
import type { CaseRuns } from "./run-cases.ts";
import type { Miss, EvalSummary } from "./summarise.ts";
import type { EvalVersion } from "./versions.ts";
import type { Unpriced } from "./wording.ts";

export interface GateVerdict {
  readonly passed: boolean;
  /** Each with what to do. */
  readonly failures: readonly { readonly code: string; readonly message: string }[];
}

export interface EvalReport {
  readonly plan: EvalPlan;
  readonly runs: CaseRuns;
  readonly summary: EvalSummary;
  /** Null for a trial run. */
  readonly gate: GateVerdict | null;
  /** What the registry decided, not what would be decided from here. */
  readonly isRecorded: boolean;
  /** Who answered `llm-rubric` asserts. */
  readonly judge: string;
  readonly repeat: number;
  readonly spentUsd: number;
  /** Answers whose cost is not known, which are not in `spentUsd`, by the model or the judge that gave them. */
  readonly unpriced: readonly Unpriced[];
  readonly maxUsd: number;
}

/** For machines: stable names, the numbers as they are. */
export function toJson(report: EvalReport) {
  const { plan, summary, gate, isRecorded, judge, repeat, spentUsd, unpriced, maxUsd } = report;
  const { record, decision, undone, answers } = summary;
  const misses: readonly Miss[] = summary.misses;
  return {
    use_case: plan.useCase,
    env: plan.env,
    candidate: { ...versionOf(plan, plan.candidate), ...summary.candidate },
    incumbent:
      plan.incumbent === null || summary.incumbent === null
        ? null
        : { ...versionOf(plan, plan.incumbent), ...summary.incumbent },
    cases: record.candidate.cases.length,
    repeat,
    judge,
    gate,
    is_recorded: isRecorded,
    table: decision.table,
    alpha: summary.alpha,
    smallest_detectable_drop: decision.smallest_detectable_drop,
    misses,
    undone_cases: undone,
    answers,
    spent_usd: spentUsd,
    unpriced,
    max_usd: maxUsd,
  };
}

/** `toJson`, with the record that was sent, every answer and the prompt's diff: the whole evidence of `--out`. */
export function toEvidence(report: EvalReport) {
  const { plan, runs, summary } = report;
  return {
    ...toJson(report),
    record: summary.record,
    diff: plan.incumbent === null ? null : diffPrompts(plan.incumbent.document, plan.candidate.document),
    results: runs.runs
      .map(({ case: evalCase, ...rest }) => ({ case_id: evalCase.id, ...rest }))
      .toSorted(
        (a, b) => a.case_id.localeCompare(b.case_id) || a.side.localeCompare(b.side) || a.repeat - b.repeat,
      ),
  };
}

function versionOf({ useCase }: EvalPlan, { prompt_version, label }: EvalVersion) {
  return { prompt_version, label, short: shortVersion(useCase, prompt_version) };
}
