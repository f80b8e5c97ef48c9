/** Gathers what a message says around a finding: where, since which models, out of how much traffic. */
import type { JudgedUnitRow, Store, VersionTraffic } from "@plumbline/ports";
import { DAY_MS, HOUR_MS, type NormalMeasure, type QualityDetection } from "@plumbline/schemas";
import { referenceVersions } from "../watch/baseline.ts";
import { LABELS_REACH_MS } from "../../judge/calibrate-judge.ts";
import { explainRegression } from "./explain-regression.ts";
import { findCause } from "./find-cause.ts";
import type { KnownSeries, Watched } from "../watch/series-book.ts";
import type { Look } from "../watch/monitor-pass.ts";
import { type Finding, makeDetection } from "./make-detection.ts";
import { iso, type UseCase } from "../../units/series.ts";

export interface DescribeFindingDeps {
  readonly store: Pick<Store, "sliceMix" | "responseModels" | "judgeLabels">;
  /** 1 − level of the intervals that people read. */
  readonly options: { readonly alpha: number };
  /** What the measures find normal about a version, for messages; nothing when left out. */
  readonly normal?: (useCase: UseCase, version: string) => readonly NormalMeasure[];
}

interface FindingContext {
  readonly known: KnownSeries;
  readonly watched: Watched;
  readonly finding: Finding;
  /** Units of the incumbent that the finding is held against. */
  readonly reference: readonly JudgedUnitRow[];
  readonly look: Look;
}

export async function describeFinding(
  { known, watched, finding, reference, look }: FindingContext,
  { store, options, normal }: DescribeFindingDeps,
): Promise<QualityDetection> {
  const { baseline, watch } = watched;
  const { series } = known;
  const { use_case } = series;
  const endMs = look.nowMs;
  const deployedMs = Date.parse(baseline.deployed_at);
  // The hour of a change is one of verdicts, which may be far from that of the calls where history was imported.
  const callsStart =
    finding.change.origin === "deploy"
      ? deployedMs
      : Math.max(finding.change.changeHour * HOUR_MS, deployedMs);
  const isSide = (row: { tenant: string; env: string }): boolean =>
    row.tenant === series.tenant && row.env === series.env;
  const [mixNow, mixBefore, models, labels, traffic, day] = await Promise.all([
    store.sliceMix({ use_case, start: iso(callsStart), end: iso(endMs + 1) }),
    store.sliceMix({ use_case, start: baseline.reference_start, end: baseline.reference_end }),
    store.responseModels({ use_case, start: baseline.reference_start, end: iso(endMs + 1) }),
    store.judgeLabels({ use_case, start: iso(endMs - LABELS_REACH_MS), end: iso(endMs + 1) }),
    look.trafficOf(series),
    look.trafficOf(series, DAY_MS),
  ]);
  const versions = referenceVersions(baseline);
  const currentMix = mixNow.filter((row) => isSide(row) && row.prompt_version === baseline.prompt_version);
  const referenceMix = mixBefore.filter((row) => isSide(row) && versions.includes(row.prompt_version));
  return makeDetection({
    series,
    is_guardrail: known.is_guardrail,
    baseline,
    finding,
    explained: explainRegression({
      prepared: watch.prepared,
      current: finding.current,
      reference,
      affected: finding.affected,
      currentMix,
      referenceMix,
    }),
    cause: findCause(finding.change, baseline.prompt_version, models.filter(isSide)),
    traffic,
    labels,
    calls: { candidate: sumCalls(currentMix), incumbent: sumCalls(referenceMix) },
    day: dayOf(day, baseline.prompt_version, callsStart > endMs - DAY_MS ? sumCalls(currentMix) : Infinity),
    protects: known.protects,
    endMs,
    alpha: options.alpha,
    normal: normal?.(series, baseline.prompt_version) ?? [],
  });
}

function sumCalls(rows: readonly { readonly calls: number }[]): number {
  return rows.reduce((sum, row) => sum + row.calls, 0);
}

/** @param most calls of the version since the change */
function dayOf(day: readonly VersionTraffic[], version: string, most: number) {
  const own = day.find((row) => row.prompt_version === version)?.calls ?? 0;
  return { changed: Math.min(own, most), all: sumCalls(day) };
}
