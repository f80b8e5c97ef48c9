/** What moved, by how much and where, as detections with every number that made them. */
import type { Detection } from "@plumbline/schemas";
import { describeResult } from "./drift-results.ts";
import type { FeatureResult } from "./drift-decision.ts";
import { normalMeasures } from "./normal-measures.ts";
import { BASE, FEATURES_NAMED, iso, isoOrNull } from "./open-incident.ts";
import type { UseCaseKey } from "../use-case-guard.ts";
import type { FingerprintResult } from "./output-fingerprint.ts";
import type { UseCaseMeasures } from "./use-case-measures.ts";
import { ALL } from "./version-memory.ts";

const DRIFT_METHOD = "PSI relevance test, season-matched; Shiryaev–Roberts; e-BH over all features";

const FINGERPRINT_METHOD =
  "PSI relevance test on a matched input mix; Shiryaev–Roberts; e-BH over features and slices";

export function driftDetection(
  key: UseCaseKey,
  kind: "input_drift" | "output_drift",
  flagged: readonly FeatureResult[],
  measures: UseCaseMeasures,
): Detection {
  const strongest = flagged[0]!;
  const serving = measures.serving();
  const version = strongest.prompt_version || (serving?.name ?? "");
  const side = (
    calls: number,
    mean: number,
    interval: readonly [number, number],
  ): Detection["candidate"] => ({
    prompt_version: version,
    units: 0,
    calls: Math.round(calls),
    mean,
    interval: [...interval],
  });
  const interval: [number, number] = [...strongest.interval];
  return {
    ...BASE,
    ...key,
    kind,
    // Outputs that moved while nothing was deployed are somebody else's doing: that wants eyes.
    severity: kind === "output_drift" ? "SEV2" : "SEV3",
    metric: strongest.feature,
    candidate: side(strongest.currentRows, strongest.size, interval),
    incumbent: side(strongest.referenceRows, 0, [0, 0]),
    effect: strongest.size,
    interval,
    method:
      strongest.method === "psi" ? DRIFT_METHOD : "domain classifier on hashed n-grams, H0: AUC at most 0.55",
    window: { start: iso(strongest.windowStart), end: iso(strongest.windowEnd) },
    version_started_at: kind === "output_drift" ? isoOrNull(measures.firstHourOf(version)) : null,
    evidence: {
      at_deploy: false,
      feature: strongest.feature,
      reference: { start: iso(strongest.referenceStart), end: iso(strongest.referenceEnd) },
      p_value: strongest.pValue,
      tau: strongest.tau,
      ...describeResult(strongest),
      normal: normalMeasures(measures, version),
      features_watched: measures.decision?.features ?? 0,
      features: flagged
        .slice(0, FEATURES_NAMED)
        .map((result) => ({ feature: result.feature, size: result.size, level: result.level })),
      ...(kind === "output_drift" ? { response_models: measures.responseModels(version) } : {}),
    },
  };
}

export interface ComparedOutputs {
  readonly version: string;
  /** The version itself when it is compared with its own past. */
  readonly incumbent: string;
  /** Ms since the epoch: the first call of a deploy, else when the outputs began to move. */
  readonly startedAt: number;
  readonly isDeploy: boolean;
  readonly streams: number;
}

export function outputDetection(
  key: UseCaseKey,
  compared: ComparedOutputs,
  clearest: FingerprintResult,
  flagged: readonly FingerprintResult[],
  measures: UseCaseMeasures,
  now: number,
): Detection {
  const sameFeature = flagged.filter((result) => result.feature === clearest.feature && result.slice !== ALL);
  const overall =
    flagged.find((result) => result.feature === clearest.feature && result.slice === ALL)?.sizes ?? null;
  const side = (
    version: string,
    calls: number,
    mean: number,
    interval: readonly [number, number],
  ): Detection["candidate"] => ({
    prompt_version: version,
    units: 0,
    calls,
    mean,
    interval: [...interval],
  });
  const { psi, interval } = clearest.comparison;
  return {
    ...BASE,
    ...key,
    kind: "output_drift",
    // With a deploy it is information; without one it is somebody else's doing, and wants eyes.
    severity: compared.isDeploy ? "SEV3" : "SEV2",
    metric: clearest.feature,
    candidate: side(compared.version, clearest.currentCalls, psi, interval),
    incumbent: side(compared.incumbent, clearest.referenceCalls, 0, [0, 0]),
    effect: psi,
    interval: [...interval],
    method: FINGERPRINT_METHOD,
    window: { start: iso(compared.startedAt), end: iso(now) },
    version_started_at: compared.isDeploy
      ? iso(compared.startedAt)
      : isoOrNull(measures.firstHourOf(compared.version)),
    slices: sameFeature.map((result) => ({
      name: result.slice,
      units: result.currentCalls,
      reference: result.sizes?.reference_mean ?? 0,
      current: result.sizes?.current_mean ?? 0,
      share_of_traffic: result.shareOfTraffic,
      share_of_drop: shareOfMove(result, overall),
    })),
    evidence: {
      says: "outputs changed",
      at_deploy: compared.isDeploy,
      feature: clearest.feature,
      slice: clearest.slice === ALL ? null : clearest.slice,
      ...clearest.bins,
      ...clearest.sizes,
      jensen_shannon: clearest.comparison.jensenShannon,
      tau: clearest.comparison.tau,
      level: clearest.level,
      normal: normalMeasures(measures, compared.version),
      streams_watched: compared.streams,
      features: flagged.slice(0, FEATURES_NAMED).map((result) => ({
        feature: result.feature,
        slice: result.slice === ALL ? null : result.slice,
        size: result.comparison.psi,
      })),
      response_models: measures.responseModels(compared.version),
    },
  };
}

/** How much of the move of the feature's mean over all traffic the slice carries, in [0,1]. */
function shareOfMove(result: FingerprintResult, overall: FingerprintResult["sizes"]): number {
  if (overall === null || result.sizes === null) return 0;
  const all = overall.current_mean - overall.reference_mean;
  const own = result.shareOfTraffic * (result.sizes.current_mean - result.sizes.reference_mean);
  return all === 0 ? 0 : Math.max(0, Math.min(1, own / all));
}
