/** Detections of drift: the feature that moved, by how much and where, with every number behind it. */
import { featureLabel } from "@plumbline/features";
import type {
  Detection,
  InputDriftDetection,
  InputDriftEvidence,
  OutputDriftDetection,
} from "@plumbline/schemas";
import { severityOf } from "../report/severity.ts";
import { iso, type UseCase } from "../units/series.ts";
import type { FeatureResult } from "../inputs/drift-decision.ts";
import type { NumericSizes } from "../counts/log-bins.ts";
import { normalMeasures, type UseCaseMeasures } from "./use-case-measures.ts";
import { BASE, FEATURES_NAMED, isoOrNull } from "./open-incident.ts";
import type { FingerprintResult } from "../outputs/output-fingerprint.ts";
import { ALL } from "../counts/version-memory.ts";

const DRIFT_METHOD = "PSI relevance test, season-matched; Shiryaev–Roberts; e-BH over all features";
const TEXT_METHOD = "domain classifier on hashed n-grams, H0: AUC at most 0.55";
const FINGERPRINT_METHOD =
  "PSI relevance test on a matched input mix; Shiryaev–Roberts; e-BH over features and slices";

/** @param flagged inputs that moved, the clearest first; at least one */
export function inputDetection(
  key: UseCase,
  flagged: readonly FeatureResult[],
  measures: UseCaseMeasures,
): InputDriftDetection {
  const clearest = flagged[0]!;
  const draft = {
    ...movedSides(key, clearest, measures),
    kind: "input_drift" as const,
    version_started_at: null,
    evidence: inputEvidence(clearest, flagged, measures),
  };
  return { ...draft, severity: severityOf(draft) };
}

function inputEvidence(
  clearest: FeatureResult,
  flagged: readonly FeatureResult[],
  measures: UseCaseMeasures,
): InputDriftEvidence {
  const { bins, comparison, sizes, text, is, interval } = clearest;
  const shared = {
    tau: clearest.tau,
    level: clearest.level,
    p_value: clearest.pValue,
    reference_window: { start: iso(clearest.referenceStart), end: iso(clearest.referenceEnd) },
    jensen_shannon: comparison?.jensenShannon ?? null,
    bins,
    top_bins: bins === null || comparison === null ? [] : comparison.topBins.map((bin) => bins.names[bin]!),
    features_watched: measures.decision?.features ?? 0,
    features: flagged.slice(0, FEATURES_NAMED).map(({ feature, size, level }) => ({ feature, size, level })),
    explanation: null,
    normal: normalMeasures(measures, versionOf(clearest, measures)),
  };
  const shares = { before: shareOfYes(bins?.reference ?? []), after: shareOfYes(bins?.current ?? []) };
  switch (is.type) {
    case "slice":
      return { measure: "input_slice", ...shared, ...shares };
    case "topic":
      return { measure: "input_topic", ...shared, ...shares, topic: is.topic };
    case "number":
      return { measure: "input_number", ...shared, sizes: sizesOf(sizes) };
    case "text":
      return {
        measure: "input_text",
        ...shared,
        auc: text?.auc.auc ?? 0.5,
        auc_interval: [0.5 + interval[0], 0.5 + interval[1]],
        documents: text?.documents ?? 0,
        ngrams: text?.ngrams ?? [],
      };
  }
}

/** Outputs that moved, window by window over all traffic, while nobody deployed. */
export function movedOutputDetection(
  key: UseCase,
  flagged: readonly FeatureResult[],
  measures: UseCaseMeasures,
): OutputDriftDetection {
  const clearest = flagged[0]!;
  const version = versionOf(clearest, measures);
  const draft = {
    ...movedSides(key, clearest, measures),
    kind: "output_drift" as const,
    version_started_at: isoOrNull(measures.firstHourOf(version)),
    evidence: {
      measure: "output_feature" as const,
      at_deploy: false,
      slice: null,
      tau: clearest.tau,
      level: clearest.level,
      sizes: sizesOf(clearest.sizes),
      bins: clearest.bins,
      jensen_shannon: clearest.comparison?.jensenShannon ?? null,
      streams_watched: measures.decision?.features ?? 0,
      features: flagged.slice(0, FEATURES_NAMED).map(({ feature, size }) => ({ feature, slice: null, size })),
      response_models: measures.responseModels(version),
      normal: normalMeasures(measures, version),
    },
  };
  return { ...draft, severity: severityOf(draft) };
}

/** The window against what came before, on one version. */
function movedSides(
  key: UseCase,
  { feature, is, size, interval, ...result }: FeatureResult,
  measures: UseCaseMeasures,
) {
  const version = result.prompt_version || (measures.serving()?.name ?? "");
  return {
    ...BASE,
    ...key,
    metric: {
      name: feature,
      unit: is.type === "text" ? ("auc" as const) : ("psi" as const),
      label: labelOf(feature, is),
    },
    candidate: sideOf(version, result.currentRows, size, interval),
    incumbent: sideOf(version, result.referenceRows, 0, [0, 0]),
    effect: size,
    interval,
    method: result.method === "psi" ? DRIFT_METHOD : TEXT_METHOD,
    window: { start: iso(result.windowStart), end: iso(result.windowEnd) },
  };
}

/** The label of a feature for people. Labels of topics and attributes hold customers' words. */
function labelOf(feature: string, is: FeatureResult["is"]): string {
  switch (is.type) {
    case "number":
      return featureLabel(feature);
    case "text":
      return "texts of the window";
    case "topic":
      return `topic ${is.topic} (${is.words.join(", ")})`;
    case "slice":
      return feature;
  }
}

function versionOf({ prompt_version }: FeatureResult, measures: UseCaseMeasures): string {
  return prompt_version || (measures.serving()?.name ?? "");
}

interface ComparedOutputs {
  readonly version: string;
  /** The version itself when it is compared with its own past. */
  readonly incumbent: string;
  /** Ms since the epoch: the first call of a deploy, else when the outputs began to move. */
  readonly startedAt: number;
  readonly isDeploy: boolean;
  readonly streams: number;
}

export function outputDetection(
  key: UseCase,
  compared: ComparedOutputs,
  clearest: FingerprintResult,
  flagged: readonly FingerprintResult[],
  measures: UseCaseMeasures,
  now: number,
): OutputDriftDetection {
  const { version, isDeploy, startedAt } = compared;
  const sameFeature = flagged.filter((result) => result.feature === clearest.feature);
  const overall = sameFeature.find((result) => result.slice === ALL)?.sizes ?? null;
  const { psi, interval, jensenShannon, tau } = clearest.comparison;
  const draft = {
    ...BASE,
    ...key,
    kind: "output_drift" as const,
    metric: { name: clearest.feature, unit: "psi" as const, label: featureLabel(clearest.feature) },
    candidate: sideOf(version, clearest.currentCalls, psi, interval),
    incumbent: sideOf(compared.incumbent, clearest.referenceCalls, 0, [0, 0]),
    effect: psi,
    interval,
    method: FINGERPRINT_METHOD,
    window: { start: iso(startedAt), end: iso(now) },
    version_started_at: isDeploy ? iso(startedAt) : isoOrNull(measures.firstHourOf(version)),
    slices: sameFeature
      .filter((result) => result.slice !== ALL)
      .map((result) => ({
        name: result.slice,
        units: result.currentCalls,
        reference: result.sizes?.reference_mean ?? 0,
        current: result.sizes?.current_mean ?? 0,
        share_of_traffic: result.shareOfTraffic,
        share_of_drop: shareOfMove(result, overall),
      })),
    evidence: {
      measure: "output_feature" as const,
      at_deploy: isDeploy,
      slice: sliceOf(clearest),
      tau,
      level: clearest.level,
      sizes: sizesOf(clearest.sizes),
      bins: clearest.bins,
      jensen_shannon: jensenShannon,
      streams_watched: compared.streams,
      features: flagged.slice(0, FEATURES_NAMED).map((result) => ({
        feature: result.feature,
        slice: sliceOf(result),
        size: result.comparison.psi,
      })),
      response_models: measures.responseModels(version),
      normal: normalMeasures(measures, version),
    },
  };
  return { ...draft, severity: severityOf(draft) };
}

function sliceOf({ slice }: FingerprintResult): string | null {
  return slice === ALL ? null : slice;
}

/** Share of the move of the feature's mean that the slice carries, in [0,1]. */
function shareOfMove(result: FingerprintResult, overall: FingerprintResult["sizes"]): number {
  if (overall === null || result.sizes === null) return 0;
  const all = overall.current_mean - overall.reference_mean;
  const own = result.shareOfTraffic * (result.sizes.current_mean - result.sizes.reference_mean);
  return all === 0 ? 0 : Math.max(0, Math.min(1, own / all));
}

/** Share of yes in counts of no and yes; 0 without a row. */
export function shareOfYes([no = 0, yes = 0]: readonly number[]): number {
  return no + yes === 0 ? 0 : yes / (no + yes);
}

function sideOf(
  version: string,
  calls: number,
  mean: number,
  interval: readonly [number, number],
): Detection["candidate"] {
  return {
    prompt_version: version,
    units: 0,
    calls: Math.round(calls),
    mean,
    interval,
  };
}

type Evidence = OutputDriftDetection["evidence"];

function sizesOf(sizes: NumericSizes | null): Evidence["sizes"] {
  if (sizes === null) return null;
  const { reference_mean, current_mean, ks, wasserstein_per_iqr } = sizes;
  return { mean_before: reference_mean, mean_after: current_mean, ks, wasserstein_per_iqr };
}
