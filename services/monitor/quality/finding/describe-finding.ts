/** From a finding to its detection: everything that a message says around it. */
import type { BaselineRow, JudgedUnitRow, ResponseModel, Store, VersionTraffic } from "@plumbline/ports";
import {
  type Cause,
  type Damage,
  DAY_MS,
  HOUR_MS,
  type Impact,
  type NormalMeasure,
  type QualityDetection,
  type QualityEvidence,
} from "@plumbline/schemas";
import { type Alarm, wilsonInterval } from "@plumbline/stats";
import { calibrateJudge, LABELS_REACH_MS } from "../../judge/calibrate-judge.ts";
import { severityOf } from "../../report/severity.ts";
import { type Comparison, weightedTotal } from "../../units/compare-versions.ts";
import { iso, type UseCase } from "../../units/series.ts";
import { referenceVersions, snapshotOf } from "../watch/baseline.ts";
import type { MonitorPass } from "../watch/monitor-pass.ts";
import type { KnownSeries, Watched } from "../watch/series-book.ts";
import { explainRegression, pickExamples, type RegressionExplanation } from "./explain-regression.ts";
import type { Finding } from "./findings.ts";

/** An estimate of the hour of a change is good to about this much. */
const CHANGE_TOLERANCE_MS = DAY_MS;

export interface DescribeFindingDeps {
  readonly store: Pick<Store, "sliceMix" | "responseModels" | "judgeLabels" | "affectedPeople">;
  /** 1 − level of the intervals that people read. */
  readonly options: { readonly alpha: number };
  /** normal returns the measures of a version that did not change, for messages. */
  readonly normal?: (useCase: UseCase, version: string) => readonly NormalMeasure[];
}

interface FindingContext {
  readonly known: KnownSeries;
  readonly watched: Watched;
  readonly finding: Finding;
  /** Units of the incumbent that the finding is compared with. */
  readonly reference: readonly JudgedUnitRow[];
  readonly pass: MonitorPass;
}

export async function describeFinding(
  context: FindingContext,
  { store, options, normal }: DescribeFindingDeps,
): Promise<QualityDetection> {
  const { known, watched, finding, pass } = context;
  const { baseline } = watched;
  const { series } = known;
  const { use_case } = series;
  const endMs = pass.nowMs;
  const callsStart = callsStartMs(finding, baseline);
  const isSide = (row: { tenant: string; env: string }): boolean =>
    row.tenant === series.tenant && row.env === series.env;
  const [mixNow, mixBefore, models, labels, traffic, day] = await Promise.all([
    store.sliceMix({ use_case, start: iso(callsStart), end: iso(endMs + 1) }),
    store.sliceMix({ use_case, start: baseline.reference_start, end: baseline.reference_end }),
    store.responseModels({ use_case, start: baseline.reference_start, end: iso(endMs + 1) }),
    store.judgeLabels({ use_case, start: iso(endMs - LABELS_REACH_MS), end: iso(endMs + 1) }),
    pass.trafficOf(series),
    pass.trafficOf(series, DAY_MS),
  ]);
  const versions = referenceVersions(baseline);
  const incumbent = baseline.incumbent_version === "" ? (versions[0] ?? "") : baseline.incumbent_version;
  const currentMix = mixNow.filter((row) => isSide(row) && row.prompt_version === baseline.prompt_version);
  const referenceMix = mixBefore.filter((row) => isSide(row) && versions.includes(row.prompt_version));
  const explained = explainRegression({
    prepared: watched.watch.prepared,
    current: finding.current,
    reference: context.reference,
    affected: finding.affected,
    currentMix,
    referenceMix,
  });
  const slice = worstSlice(explained);
  const [users] = await store.affectedPeople({
    tenant: series.tenant,
    env: series.env,
    use_case,
    prompt_version: baseline.prompt_version,
    start: iso(callsStart),
    end: iso(endMs + 1),
    slices: slice?.split(" & ") ?? [],
  });
  const { head, effect } = comparisonOf(context, incumbent, {
    candidate: sumCalls(currentMix),
    incumbent: sumCalls(referenceMix),
  });
  const mostCalls = callsStart > endMs - DAY_MS ? sumCalls(currentMix) : Infinity;
  const normalNow = normal?.(series, baseline.prompt_version) ?? [];
  const draft = {
    ...head,
    level: 1 - options.alpha,
    slices: explained.slices,
    verdict: explained.verdict,
    evidence: {
      ...evidenceOf(context, explained, versions),
      ...(users !== undefined && users.people > 0 && { people: users.people }),
      examples: pickExamples(finding.current, context.reference, slice),
      cause: findCause(finding.change, baseline.prompt_version, models.filter(isSide)),
      impact: impactOf(effect, day, baseline.prompt_version, mostCalls),
      judge_calibration: calibrateJudge(
        series,
        labels,
        { estimate: finding.comparison.effect, se: finding.effectSe },
        endMs,
      ),
      success: traffic
        .filter((row) => [incumbent, baseline.prompt_version].includes(row.prompt_version))
        .map(({ prompt_version, calls, ok_calls, latency_ms_p95 }) => ({
          prompt_version,
          calls,
          ok_calls,
          latency_ms_p95,
        })),
      normal: normalNow.length > 0 ? normalNow : normalSuccess(traffic, baseline.prompt_version, incumbent),
    },
  };
  return { ...draft, severity: severityOf(draft) };
}

/** The hour of a change is one of verdicts, which may be far from that of the calls where history was imported. */
function callsStartMs({ change }: Finding, { deployed_at }: BaselineRow): number {
  const deployedMs = Date.parse(deployed_at);
  return change.origin === "deploy" ? deployedMs : Math.max(change.changeHour * HOUR_MS, deployedMs);
}

/** The slice that the alert names; null where it names none. */
function worstSlice({ verdict, slices }: RegressionExplanation): string | null {
  return verdict === "DISTRIBUTIONAL" || verdict === "MIXED" ? (slices[0]?.name ?? null) : null;
}

/** Both versions and their difference; without a reference the difference to the target. */
function comparisonOf(
  { known: { series, is_guardrail }, watched: { baseline }, finding, pass }: FindingContext,
  incumbent: string,
  calls: { readonly candidate: number; readonly incumbent: number },
) {
  const { comparison, current, method } = finding;
  const target = snapshotOf(baseline).model.beta[0]!;
  const hasReference = baseline.units > 0;
  const [low, high] = comparison.candidate.interval;
  const effect = hasReference ? comparison.effect : comparison.candidate.mean - target;
  const head = {
    kind: "quality" as const,
    tenant: series.tenant,
    env: series.env,
    use_case: series.use_case,
    metric: { name: series.criterion, unit: "share" as const, label: series.criterion },
    is_guardrail,
    candidate: sideOf(baseline.prompt_version, comparison.candidate, calls.candidate),
    incumbent: hasReference ? sideOf(incumbent, comparison.incumbent, calls.incumbent) : null,
    effect,
    interval: hasReference ? comparison.interval : ([low - target, high - target] as const),
    method,
    judge: series.judge,
    rubric_hash: series.rubric_hash,
    window: { start: current[0]?.judged_at ?? baseline.deployed_at, end: iso(pass.nowMs) },
    version_started_at: baseline.deployed_at,
  };
  return { head, effect };
}

function sideOf(
  prompt_version: string,
  { units, mean, interval }: Comparison["candidate"],
  calls: number,
): QualityDetection["candidate"] {
  return { prompt_version, units, calls, mean, interval };
}

/** The part of the evidence that follows from the finding and its explanation. */
function evidenceOf(
  { known: { protects }, watched: { baseline }, finding }: FindingContext,
  explained: RegressionExplanation,
  versions: readonly string[],
) {
  const worst = explained.slices[0];
  const damage: Damage = {
    drop: Math.max(explained.expected - finding.comparison.candidate.mean, finding.drop ?? -1),
    slice:
      worst === undefined || explained.verdict === "UNIFORM"
        ? null
        : { name: worst.name, drop: worst.reference - worst.current },
  };
  return {
    measure: "quality" as const,
    snapshot_id: baseline.snapshot_id,
    reference: {
      versions,
      start: baseline.reference_start,
      end: baseline.reference_end,
      units: baseline.units,
      score_sum: baseline.score_sum,
      source: snapshotOf(baseline).lineage["source"] ?? null,
    },
    candidate: weightedTotal(finding.current),
    units_watched: finding.unitsWatched,
    detector: finding.detector,
    explanation: explanationEvidence(explained),
    damage,
    protects,
    slice_intervals: Object.fromEntries(
      explained.slices.map(({ name, current: share, units }) => {
        const { lower, upper } = wilsonInterval(share * units, units);
        return [name, [lower, upper] as const];
      }),
    ),
  };
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

/** findCause names the probable cause: our own deploy when it carries the alarm, the provider when its model changed. */
export function findCause(
  { origin, changeHour }: Pick<Alarm, "origin" | "changeHour">,
  promptVersion: string,
  models: readonly ResponseModel[],
): Cause {
  const changedMs = changeHour * HOUR_MS;
  const own = models.filter((row) => row.prompt_version === promptVersion);
  const since = own.filter(
    (row) => Math.abs(Date.parse(row.first_started_at) - changedMs) <= CHANGE_TOLERANCE_MS,
  );
  const before = models.filter(
    (row) =>
      Date.parse(row.first_started_at) < changedMs - CHANGE_TOLERANCE_MS &&
      !since.some((each) => each.response_model === row.response_model),
  );
  // The first model of a new version began with the deploy; it is news only when another one answered before.
  const isNew = since.length > 0 && before.some((row) => row.prompt_version === promptVersion);
  return {
    kind: origin === "deploy" ? "own_change" : isNew ? "provider_change" : "unknown",
    changed_at: iso(changedMs),
    models_before: [...new Set(before.map((row) => row.response_model))],
    models_since: [...new Set(since.map((row) => row.response_model))],
  };
}

/**
 * Calls of the last 24 hours that were hit; null while none is known, as where history is replayed long after.
 *
 * @param mostCalls calls of the version since the change
 */
function impactOf(
  effect: number,
  day: readonly VersionTraffic[],
  version: string,
  mostCalls: number,
): Impact | null {
  const all = sumCalls(day);
  const own = day.find((row) => row.prompt_version === version)?.calls ?? 0;
  return all === 0
    ? null
    : { degraded_calls: Math.max(0, -effect) * Math.min(own, mostCalls), day_calls: all };
}

/**
 * The success rate of the traffic, for when the measures did not look at it. Left out where the intervals of both versions
 * are apart: what did not change is half of the diagnosis.
 */
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

function sumCalls(rows: readonly { readonly calls: number }[]): number {
  return rows.reduce((sum, row) => sum + row.calls, 0);
}
