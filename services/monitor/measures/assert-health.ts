/** Success, latency, path mix and cost that got worse → incidents. */
import type { Detection } from "@plumbline/schemas";
import { normalMeasures } from "./normal-measures.ts";
import { type AssertDeps, BASE, detect, iso, openOf, recover } from "./open-incident.ts";
import type { UseCaseKey } from "../use-case-guard.ts";
import type { UseCaseMeasures } from "./use-case-measures.ts";
import type { HealthFinding } from "./version-health.ts";

const HEALTH_SEVERITY: Readonly<Record<HealthFinding["kind"], Detection["severity"]>> = {
  success: "SEV2",
  latency: "SEV3",
  path_mix: "SEV3",
  cost: "SEV3",
};

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
        healthDetection(key, measures, health, finding, now),
        open.filter((state) => state.detection.metric === finding.metric),
        now,
        deps,
      );
    }
  }
}

function healthDetection(
  key: UseCaseKey,
  measures: UseCaseMeasures,
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
    evidence: {
      ...finding.evidence,
      at_deploy: health.version !== health.incumbent,
      normal: normalMeasures(measures, health.version),
    },
  };
}
