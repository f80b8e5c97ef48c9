/**
 * From what the measures found to incidents. One incident a use case and kind at a time for drift, one a version and
 * metric for the rest: while it is open, more features become its evidence and not more incidents. What is open is
 * read from the fold of the log; nothing is appended twice.
 */
import { incidentId, incidentKey, isOpen, type IncidentState } from "@plumbline/alerts";
import type { AnchorDay, Clock, EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { Detection } from "@plumbline/schemas";
import { confidenceSequence } from "@plumbline/stats";
import { appendIncident } from "../append-incident.ts";
import type { IncidentFold } from "../incident-fold.ts";
import { describeResult } from "./drift-results.ts";
import type { FeatureResult } from "./drift-series.ts";
import { groupBy } from "./group-by.ts";
import { judgeAnchors } from "./judge-anchors.ts";
import type { FingerprintResult } from "./output-fingerprint.ts";
import type { UseCaseMeasures, Watch } from "./use-case-measures.ts";
import type { HealthFinding } from "./version-health.ts";
import { ALL } from "./version-memory.ts";

export interface UseCaseKey {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
}

export interface AssertDeps {
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  readonly holds: (useCase: string) => boolean;
}

const DRIFT_METHOD = "PSI relevance test, season-matched; Shiryaev–Roberts; e-BH over all features";
const FINGERPRINT_METHOD =
  "PSI relevance test on a matched input mix; Shiryaev–Roberts; e-BH over features and slices";
const FEATURES_NAMED = 10;
/** An open incident's numbers are replaced at most this often. */
const REASSERT_MIN_MS = 6 * 3_600_000;
const HEALTH_SEVERITY: Readonly<Record<HealthFinding["kind"], Detection["severity"]>> = {
  success: "SEV2",
  latency: "SEV3",
  path_mix: "SEV3",
  cost: "SEV3",
};

/** Input drift, and output drift of a version that nobody deployed lately. */
export async function assertDrift(
  key: UseCaseKey,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  if (measures.decision === null) return;
  for (const side of ["input", "output"] as const) {
    const kind = side === "input" ? "input_drift" : "output_drift";
    const all = measures.decision.flagged;
    // Other inputs get other answers: outputs that move together with the inputs are not news of their own.
    const isExplained = side === "output" && all.some((result) => result.side === "input");
    const flagged = isExplained ? [] : all.filter((result) => result.side === side);
    const open = openOf(key, kind, deps).filter((state) => state.detection.evidence["at_deploy"] !== true);
    const [strongest] = flagged;
    if (strongest === undefined) {
      for (const state of open) await recover(state, "the shift is gone", measures, now, deps);
      continue;
    }
    await detect(driftDetection(key, kind, strongest, flagged, measures), open, now, deps);
  }
}

/** Outputs of the watched version against its incumbent's. */
export async function assertOutputs(
  key: UseCaseKey,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const { watch } = measures;
  const open = openOf(key, "output_drift", deps).filter(
    (state) => state.detection.evidence["at_deploy"] === true,
  );
  const flagged = watch?.fingerprint?.flagged() ?? [];
  for (const state of open) {
    const { prompt_version } = state.detection.candidate;
    const serving = measures.serving();
    if (measures.isGone(prompt_version) && serving !== null && serving.name !== prompt_version) {
      const how =
        serving.name === state.detection.incumbent?.prompt_version ? "rolled back to" : "replaced by";
      await recover(state, `${how} ${serving.name}`, measures, now, deps);
    } else if (watch?.version === prompt_version && flagged.length === 0) {
      const how =
        watch.fingerprint === null ? "the new outputs are the reference now" : "the outputs are as before";
      await recover(state, how, measures, now, deps);
    }
  }
  const [clearest] = flagged;
  if (watch === null || clearest === undefined || measures.isGone(watch.version)) return;
  const own = open.filter((state) => state.detection.candidate.prompt_version === watch.version);
  await detect(outputDetection(key, watch, clearest, flagged, measures, now), own, now, deps);
}

/** Success, latency, path mix, cost and cache of the version under test. */
export async function assertHealth(
  key: UseCaseKey,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const { health } = measures;
  const findings = health === null || measures.isGone(health.version) ? [] : health.tests.findings();
  for (const kind of ["success", "latency", "path_mix", "cost"] as const) {
    const open = openOf(key, kind, deps);
    const alarming = findings.filter((finding) => finding.kind === kind);
    for (const state of open) {
      const { metric, candidate } = state.detection;
      const isOver =
        health === null ||
        candidate.prompt_version !== health.version ||
        !alarming.some((finding) => finding.metric === metric);
      if (!isOver) continue;
      const serving = measures.serving();
      const how =
        serving !== null && serving.name !== candidate.prompt_version
          ? `${serving.name === state.detection.incumbent?.prompt_version ? "rolled back to" : "replaced by"} ${serving.name}`
          : "recovered";
      await recover(state, how, measures, now, deps);
    }
    if (health === null) continue;
    for (const finding of alarming) {
      await detect(
        healthDetection(key, health, finding, now),
        open.filter((state) => state.detection.metric === finding.metric),
        now,
        deps,
      );
    }
  }
}

/** The judge's agreement with itself on the frozen anchors. */
export async function assertAnchors(
  days: readonly AnchorDay[],
  now: number,
  deps: AssertDeps,
): Promise<void> {
  for (const series of groupBy(days, (day) =>
    JSON.stringify([day.tenant, day.env, day.criterion, day.rubric_hash, day.judge]),
  ).values()) {
    const first = series[0]!;
    const slash = first.criterion.indexOf("/");
    const use_case = slash === -1 ? first.criterion : first.criterion.slice(0, slash);
    if (!deps.holds(use_case)) continue;
    const verdict = judgeAnchors(
      series.map(({ day, items, agreements }) => ({ day: Date.parse(day), items, agreements })),
    );
    const metric = first.criterion.slice(slash + 1);
    const open = openOf({ ...first, use_case }, "judge_drift", deps).filter(
      ({ detection }) =>
        detection.metric === metric &&
        detection.judge === first.judge &&
        detection.rubric_hash === first.rubric_hash,
    );
    if (verdict.state !== "drifted" || open.length > 0) continue;
    const side = ({ items, agreement }: { items: number; agreement: number }): Detection["candidate"] => {
      const { lower, upper } = confidenceSequence(Math.min(items, items * agreement), items, {
        alpha: 0.025,
      });
      return {
        prompt_version: first.judge,
        units: items,
        calls: 0,
        mean: agreement,
        interval: [lower, upper],
      };
    };
    const [candidate, incumbent] = [side(verdict.current), side(verdict.baseline)];
    await detect(
      {
        ...BASE,
        kind: "judge_drift",
        severity: "SEV3",
        tenant: first.tenant,
        env: first.env,
        use_case,
        metric,
        candidate,
        incumbent,
        effect: candidate.mean - incumbent.mean,
        interval: [
          candidate.interval[0] - incumbent.interval[1],
          candidate.interval[1] - incumbent.interval[0],
        ],
        method: "Shiryaev–Roberts e-detector on frozen anchors",
        judge: first.judge,
        rubric_hash: first.rubric_hash,
        window: { start: first.day, end: iso(now) },
        version_started_at: null,
        evidence: { null_mean: verdict.nullMean, log_level: verdict.logLevel },
      },
      open,
      now,
      deps,
    );
  }
}

const BASE: Pick<Detection, "is_guardrail" | "judge" | "rubric_hash" | "slices" | "verdict" | "level"> = {
  is_guardrail: false,
  judge: null,
  rubric_hash: null,
  slices: [],
  verdict: null,
  level: 0.95,
};

function driftDetection(
  key: UseCaseKey,
  kind: "input_drift" | "output_drift",
  strongest: FeatureResult,
  flagged: readonly FeatureResult[],
  measures: UseCaseMeasures,
): Detection {
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
      features_watched: measures.decision?.features ?? 0,
      features: flagged
        .slice(0, FEATURES_NAMED)
        .map((result) => ({ feature: result.feature, size: result.size, level: result.level })),
      ...(kind === "output_drift" ? { response_models: measures.responseModels(version) } : {}),
    },
  };
}

function outputDetection(
  key: UseCaseKey,
  watch: Watch,
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
    severity: "SEV3",
    metric: clearest.feature,
    candidate: side(watch.version, clearest.currentCalls, psi, interval),
    incumbent: side(watch.incumbent, clearest.referenceCalls, 0, [0, 0]),
    effect: psi,
    interval: [...interval],
    method: FINGERPRINT_METHOD,
    window: { start: iso(watch.startedAt), end: iso(now) },
    version_started_at: iso(watch.startedAt),
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
      at_deploy: true,
      feature: clearest.feature,
      slice: clearest.slice === ALL ? null : clearest.slice,
      ...clearest.bins,
      ...clearest.sizes,
      jensen_shannon: clearest.comparison.jensenShannon,
      tau: clearest.comparison.tau,
      level: clearest.level,
      streams_watched: watch.fingerprint?.streams ?? 0,
      features: flagged.slice(0, FEATURES_NAMED).map((result) => ({
        feature: result.feature,
        slice: result.slice === ALL ? null : result.slice,
        size: result.comparison.psi,
      })),
      response_models: measures.responseModels(watch.version),
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

function healthDetection(
  key: UseCaseKey,
  health: NonNullable<UseCaseMeasures["health"]>,
  finding: HealthFinding,
  now: number,
): Detection {
  const side = (
    version: string,
    { calls, mean, interval }: HealthFinding["current"],
  ): Detection["candidate"] => ({
    prompt_version: version,
    units: 0,
    calls,
    mean,
    interval: [...interval],
  });
  return {
    ...BASE,
    ...key,
    kind: finding.kind,
    severity: HEALTH_SEVERITY[finding.kind],
    metric: finding.metric,
    candidate: side(health.version, finding.current),
    incumbent: side(health.incumbent, finding.reference),
    effect: finding.effect,
    interval: [...finding.interval],
    level: finding.level,
    method: finding.method,
    window: { start: iso(health.startedAt), end: iso(now) },
    version_started_at: health.version === health.incumbent ? null : iso(health.startedAt),
    evidence: { ...finding.evidence, at_deploy: health.version !== health.incumbent, normal: [] },
  };
}

function openOf(
  key: UseCaseKey,
  kind: Detection["kind"],
  { incidents }: AssertDeps,
): readonly IncidentState[] {
  return incidents.of(key, kind).filter(isOpen);
}

/** Opens an incident, or adds to the open one what it does not know yet: a feature that is new to it. */
async function detect(
  detection: Detection,
  open: readonly IncidentState[],
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const [known] = open;
  if (known !== undefined) {
    const isRecent = now - Date.parse(known.updated_at) < REASSERT_MIN_MS;
    // Which slice it is may take an hour more than that something changed, and is worth an edit at once.
    const namesSlice = isText(detection.evidence["slice"]) && !isText(known.detection.evidence["slice"]);
    if (!namesSlice && (isRecent || !hasNewFeature(known.detection, detection))) return;
    // The incident keeps its name: metric and version are part of its identity.
    const { metric, candidate } = known.detection;
    const same = {
      ...detection,
      metric,
      candidate: { ...detection.candidate, prompt_version: candidate.prompt_version },
    };
    const event = {
      type: "detected",
      incident_id: known.incident_id,
      at: iso(now),
      actor: "monitor",
      detection: same,
    } as const;
    await appendIncident(event, deps);
    return;
  }
  const id = incidentId(incidentKey(detection));
  if (deps.incidents.get(id)?.state === "dismissed") return;
  await appendIncident(
    { type: "detected", incident_id: id, at: iso(now), actor: "monitor", detection },
    deps,
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function hasNewFeature(known: Detection, detection: Detection): boolean {
  const names = (each: Detection): readonly string[] => {
    const features = each.evidence["features"];
    return Array.isArray(features)
      ? features.map((feature) => JSON.stringify([feature.feature, feature.slice ?? null]))
      : [];
  };
  const old = new Set(names(known));
  // A full list cannot grow: beyond it nothing is news.
  return (
    old.size < FEATURES_NAMED && names(detection).some((name) => !old.has(name)) && sizeGrew(known, detection)
  );
}

/** Numbers are replaced only when they say more: a message is not edited for every hour. */
function sizeGrew(known: Detection, detection: Detection): boolean {
  return detection.candidate.calls >= 1.25 * known.candidate.calls || detection.effect >= 1.25 * known.effect;
}

async function recover(
  state: IncidentState,
  how: string,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const serving = measures.serving();
  const current = {
    prompt_version: serving?.name ?? state.detection.candidate.prompt_version,
    units: 0,
    calls: measures.callsOf(serving?.name ?? ""),
    mean: state.detection.incumbent?.mean ?? 0,
    interval: [...(state.detection.incumbent?.interval ?? [0, 0])] as [number, number],
  };
  await appendIncident(
    { type: "recovered", incident_id: state.incident_id, at: iso(now), actor: "monitor", how, current },
    deps,
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
