/** Asserts success, latency, path mix and cost that got worse. */
import { type IncidentState, isOpen } from "@plumbline/alerts";
import type { Detection, Impact, RateDetection } from "@plumbline/schemas";
import { severityOf } from "../report/severity.ts";
import { iso, type UseCase } from "../units/series.ts";
import { normalMeasures, type UseCaseMeasures } from "./use-case-measures.ts";
import { type AssertDeps, BASE, detect, recover, recoverAfterChange, standingOf } from "./open-incident.ts";
import type { HealthFinding } from "../rates/version-health.ts";

type Health = NonNullable<UseCaseMeasures["health"]>;

/** Success, latency, path mix, cost and cache of the version under test. */
export async function assertHealth(
  key: UseCase,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const { health } = measures;
  const findings = health === null || measures.isGone(health.version) ? [] : health.tests.findings();
  for (const kind of ["success", "latency", "path_mix", "cost"] as const) {
    const standing = standingOf(key, kind, deps).filter(
      ({ detection }) => detection.evidence.measure !== "uncached_prefix",
    );
    const alarming = findings.filter((finding) => finding.kind === kind);
    for (const state of standing) {
      const { metric, candidate } = state.detection;
      const isOver =
        health === null ||
        candidate.prompt_version !== health.version ||
        !alarming.some((finding) => finding.metric.name === metric.name);
      if (isOver) await end(state, measures, now, deps);
    }
    if (health === null) continue;
    for (const finding of alarming) {
      await detect(
        healthDetection(key, measures, health, finding, now),
        standing.filter((state) => isOpen(state) && state.detection.metric.name === finding.metric.name),
        now,
        deps,
      );
    }
  }
}

async function end(
  state: IncidentState,
  measures: UseCaseMeasures,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const { candidate, metric } = state.detection;
  const serving = measures.serving();
  if (serving !== null && serving.name !== candidate.prompt_version)
    return recoverAfterChange(state, serving.name, measures, now, deps);
  const { health } = measures;
  const rates = health?.version === candidate.prompt_version ? health.tests.normal() : [];
  const measured = rates.find((rate) => rate.metric.name === metric.name)?.estimate ?? null;
  await recover(state, "by_itself", measures, now, deps, measured);
}

function healthDetection(
  key: UseCase,
  measures: UseCaseMeasures,
  health: Health,
  finding: HealthFinding,
  now: number,
): RateDetection {
  const isDeploy = health.version !== health.incumbent;
  const base = {
    ...BASE,
    ...key,
    metric: finding.metric,
    candidate: sideOf(health.version, finding.current),
    incumbent: sideOf(health.incumbent, finding.reference),
    effect: finding.effect,
    interval: finding.interval,
    level: finding.level,
    method: finding.method,
    window: { start: iso(health.startedAt), end: iso(now) },
    version_started_at: isDeploy ? iso(health.startedAt) : null,
  };
  const common = { at_deploy: isDeploy, normal: normalMeasures(measures, health.version) };
  switch (finding.kind) {
    case "success": {
      const impact = impactOf(finding, health, measures);
      const evidence = { ...finding.evidence, ...common, impact };
      const draft = { ...base, kind: finding.kind, evidence };
      return { ...draft, severity: severityOf(draft) };
    }
    case "path_mix": {
      const degraded_share = health.tests.degradedShare(finding.evidence.since);
      const draft = {
        ...base,
        kind: finding.kind,
        evidence: { ...finding.evidence, ...common, degraded_share },
      };
      return { ...draft, severity: severityOf(draft) };
    }
    case "latency": {
      const draft = { ...base, kind: finding.kind, evidence: { ...finding.evidence, ...common } };
      return { ...draft, severity: severityOf(draft) };
    }
    case "cost": {
      const draft = { ...base, kind: finding.kind, evidence: costEvidence(finding.evidence, common) };
      return { ...draft, severity: severityOf(draft) };
    }
  }
}

/** What VersionHealth finds of a cost; `assert-uncached-prefix.ts` asserts the rest. */
type Finding<Kind extends HealthFinding["kind"]> = Extract<HealthFinding, { readonly kind: Kind }>;
type CostEvidence = Extract<Detection, { readonly kind: "cost" }>["evidence"];

function costEvidence(
  evidence: Finding<"cost">["evidence"],
  common: Pick<CostEvidence, "at_deploy" | "normal">,
): CostEvidence {
  return { ...evidence, ...common };
}

/** Failed calls of the last day that would not have failed before, out of all calls of that day. */
function impactOf(
  { effect, evidence }: Finding<"success">,
  health: Health,
  measures: UseCaseMeasures,
): Impact {
  const calls = health.tests.recentCalls(evidence.since);
  return { degraded_calls: Math.max(0, -effect) * calls, day_calls: measures.dayCalls() };
}

function sideOf(
  version: string,
  { calls, mean, interval }: HealthFinding["current"],
): Detection["candidate"] {
  return { prompt_version: version, units: 0, calls, mean, interval };
}
