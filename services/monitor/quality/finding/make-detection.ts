import type {
  BaselineRow,
  JudgedUnitRow,
  JudgeLabels,
  QualitySeries,
  VersionTraffic,
} from "@plumbline/ports";
import type {
  Cause,
  Impact,
  NormalMeasure,
  QualityDetection,
  QualityEvidence,
  Damage,
} from "@plumbline/schemas";
import { type Alarm, wilsonInterval } from "@plumbline/stats";
import { referenceVersions, snapshotOf } from "../watch/baseline.ts";
import { calibrateJudge } from "../../judge/calibrate-judge.ts";
import { type Comparison, weightedTotal } from "../../units/compare-versions.ts";
import type { RegressionExplanation } from "./explain-regression.ts";
import { severityOf } from "../../report/severity.ts";
import { iso } from "../../units/series.ts";

/** What raised the alarm, with its numbers. */
export type QualityDetector = NonNullable<QualityEvidence["detector"]>;

/** A quality finding that is reported, from the detector or from paired inputs. */
export interface Finding {
  readonly method: string;
  readonly change: Pick<Alarm, "origin" | "changeHour">;
  /** Slices that the method itself names. */
  readonly affected: readonly string[];
  /** Of the candidate, in order of arrival: what the sizes are about. */
  readonly current: readonly JudgedUnitRow[];
  readonly comparison: Comparison;
  /** Standard error of the effect. */
  readonly effectSe: number;
  /** Judged since the start of the watch. */
  readonly unitsWatched: number;
  /** Measured otherwise than against the baseline, score points. */
  readonly drop?: number;
  readonly detector: QualityDetector;
}

interface DetectionInput {
  readonly series: QualitySeries;
  readonly is_guardrail: boolean;
  readonly baseline: BaselineRow;
  readonly finding: Finding;
  readonly explained: RegressionExplanation;
  readonly cause: Cause;
  readonly traffic: readonly VersionTraffic[];
  /** People's labels of the use case. */
  readonly labels: readonly JudgeLabels[];
  readonly calls: { readonly candidate: number; readonly incumbent: number };
  readonly endMs: number;
  readonly alpha: number;
  /** Calls of the candidate in the last 24 hours since the change, and of the whole use case. */
  readonly day: { readonly changed: number; readonly all: number };
  /** What a guardrail is for, beyond the answer. */
  readonly protects: QualityEvidence["protects"];
  /** What the measures looked at and found as before. */
  readonly normal: readonly NormalMeasure[];
}

export function makeDetection(input: DetectionInput): QualityDetection {
  const { series, baseline, finding, explained, alpha } = input;
  const { comparison, current } = finding;
  const candidate = weightedTotal(current);
  const versions = referenceVersions(baseline);
  const incumbent = baseline.incumbent_version === "" ? (versions[0] ?? "") : baseline.incumbent_version;
  const hasReference = baseline.units > 0;
  const target = snapshotOf(baseline).model.beta[0]!;
  const worst = explained.slices[0];
  const damage: Damage = {
    drop: Math.max(explained.expected - comparison.candidate.mean, finding.drop ?? -1),
    slice:
      worst === undefined || explained.verdict === "UNIFORM"
        ? null
        : { name: worst.name, drop: worst.reference - worst.current },
  };
  const effect = hasReference ? comparison.effect : comparison.candidate.mean - target;
  const draft = {
    kind: "quality" as const,
    tenant: series.tenant,
    env: series.env,
    use_case: series.use_case,
    metric: { name: series.criterion, unit: "share" as const, label: series.criterion },
    is_guardrail: input.is_guardrail,
    candidate: sideOf(baseline.prompt_version, comparison.candidate, input.calls.candidate),
    incumbent: hasReference ? sideOf(incumbent, comparison.incumbent, input.calls.incumbent) : null,
    effect,
    interval: hasReference
      ? comparison.interval
      : ([comparison.candidate.interval[0] - target, comparison.candidate.interval[1] - target] as const),
    level: 1 - alpha,
    method: finding.method,
    judge: series.judge,
    rubric_hash: series.rubric_hash,
    window: { start: current[0]?.judged_at ?? baseline.deployed_at, end: iso(input.endMs) },
    version_started_at: baseline.deployed_at,
    slices: explained.slices,
    verdict: explained.verdict,
    evidence: evidenceOf(input, { candidate, versions, incumbent, damage, effect }),
  };
  return { ...draft, severity: severityOf(draft) };
}

function sideOf(
  prompt_version: string,
  { units, mean, interval }: Comparison["candidate"],
  calls: number,
): QualityDetection["candidate"] {
  return { prompt_version, units, calls, mean, interval };
}

interface Derived {
  readonly candidate: ReturnType<typeof weightedTotal>;
  readonly versions: readonly string[];
  readonly incumbent: string;
  readonly damage: Damage;
  readonly effect: number;
}

function evidenceOf(input: DetectionInput, derived: Derived): QualityEvidence {
  const { series, baseline, finding, explained } = input;
  const { candidate, versions, incumbent, damage, effect } = derived;
  return {
    measure: "quality",
    snapshot_id: baseline.snapshot_id,
    reference: {
      versions,
      start: baseline.reference_start,
      end: baseline.reference_end,
      units: baseline.units,
      score_sum: baseline.score_sum,
      source: snapshotOf(baseline).lineage["source"] ?? null,
    },
    candidate,
    units_watched: finding.unitsWatched,
    detector: finding.detector,
    explanation: explanationEvidence(explained),
    cause: input.cause,
    damage,
    impact: impactOf(effect, input.day),
    protects: input.protects,
    judge_calibration: calibrateJudge(
      series,
      input.labels,
      { estimate: finding.comparison.effect, se: finding.effectSe },
      input.endMs,
    ),
    slice_intervals: Object.fromEntries(
      explained.slices.map(({ name, current: share, units }) => {
        const { lower, upper } = wilsonInterval(share * units, units);
        return [name, [lower, upper]];
      }),
    ),
    success: input.traffic
      .filter((row) => [incumbent, baseline.prompt_version].includes(row.prompt_version))
      .map(({ prompt_version, calls, ok_calls, latency_ms_p95 }) => ({
        prompt_version,
        calls,
        ok_calls,
        latency_ms_p95,
      })),
    normal: normalOf(input, incumbent),
  };
}

/** Null while no call of the last 24 hours is known, as where history is replayed long after. */
function impactOf(effect: number, { changed, all }: DetectionInput["day"]): Impact | null {
  return all === 0 ? null : { degraded_calls: Math.max(0, -effect) * changed, day_calls: all };
}

function explanationEvidence({
  explanation,
  mix,
  expected,
  seed,
}: RegressionExplanation): QualityEvidence["explanation"] {
  return {
    expected_mean: expected,
    seed,
    p_heterogeneity: explanation?.permutation.pValue ?? null,
    explained_share: explanation?.explainedShare ?? null,
    units_needed: explanation?.unitsNeeded ?? null,
    mix:
      mix === null
        ? null
        : {
            total: mix.total,
            mix: mix.mix,
            within: mix.within,
            se_mix: mix.seMix,
            se_within: mix.seWithin,
            input_shift: mix.inputShift,
            shifts: mix.shifts,
          },
  };
}

/** What the measures found normal; the success rate of the traffic when they did not look at it. */
function normalOf(
  { normal, traffic, baseline }: DetectionInput,
  incumbent: string,
): readonly NormalMeasure[] {
  if (normal.length > 0) return normal;
  return normalSuccess(traffic, baseline.prompt_version, incumbent);
}

/** The success rate, when both versions' intervals overlap: what did not change is half of the diagnosis. */
function normalSuccess(
  traffic: readonly VersionTraffic[],
  candidate: string,
  incumbent: string,
): readonly NormalMeasure[] {
  const now = traffic.find((row) => row.prompt_version === candidate);
  const before = traffic.find((row) => row.prompt_version === incumbent);
  if (now === undefined || before === undefined || now.calls === 0 || before.calls === 0) return [];
  const interval = wilsonInterval(now.ok_calls, now.calls);
  const usual = wilsonInterval(before.ok_calls, before.calls);
  if (interval.upper < usual.lower) return [];
  return [
    {
      name: "success rate",
      value: now.ok_calls / now.calls,
      unit: "share",
      interval: [interval.lower, interval.upper],
      n: now.calls,
    },
  ];
}
