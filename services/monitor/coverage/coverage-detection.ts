/** Detections of coverage: what is not known. */
import type { CoverageDetection, CoverageEvidence } from "@plumbline/schemas";
import { severityOf } from "../report/severity.ts";
import type { UseCase } from "../units/series.ts";

interface Unknown {
  readonly evidence: CoverageEvidence;
  /** Calls and judged units that it is about. */
  readonly calls: number;
  readonly units: number;
  /** A share, or a count of calls. */
  readonly value: number;
  /** ISO 8601 UTC. */
  readonly window: { readonly start: string; readonly end: string };
  readonly method?: string;
}

/** One incident a use case and measure, whichever version serves. */
export function coverageDetection(
  { tenant, env, use_case }: UseCase,
  { evidence, calls, units, value, window, method = "exact counts of calls and verdicts" }: Unknown,
): CoverageDetection {
  const draft = {
    kind: "coverage" as const,
    tenant,
    env,
    use_case,
    metric: {
      name: evidence.measure,
      unit: evidence.measure === "traffic" ? ("calls" as const) : ("share" as const),
      label: LABELS[evidence.measure],
    },
    is_guardrail: false,
    candidate: { prompt_version: "", units, calls, mean: value, interval: pairOf(value) },
    incumbent: null,
    effect: 0,
    interval: pairOf(0),
    level: 1,
    method,
    judge: null,
    rubric_hash: null,
    window: { ...window },
    version_started_at: null,
    slices: [],
    verdict: null,
    evidence,
  };
  return { ...draft, severity: severityOf(draft) };
}

const LABELS: Readonly<Record<CoverageEvidence["measure"], string>> = {
  judged_share: "judged share of the selected calls",
  scored_share: "scored share of the judged calls",
  verdict_count: "verdicts of the selected calls",
  sampled_calls: "selected share of the calls",
  traffic: "calls",
  known_versions: "calls of known versions",
  known_use_cases: "calls of known use cases",
  job_runs: "runs of the monitor's jobs",
  stored_share: "stored share of the log's records",
};

function pairOf(value: number): [number, number] {
  return [value, value];
}
