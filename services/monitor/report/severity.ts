/**
 * Severity of a detection: one table for every job.
 *
 * | Severity | What it takes |
 * | --- | --- |
 * | SEV1 | a page of a guardrail that protects safety or personal data; a page of a guardrail, or failed calls, that hit more than 5% of the day's calls; more than half of the calls answered by a degraded path |
 * | SEV2 | a page of a guardrail; a fall of the success rate; answers that changed although nobody deployed; lost records; the monitor itself not looking |
 * | SEV3 | all else: tickets, signals, drift, latency, cost, what is not known of a use case |
 *
 * Evidence that is not known never raises a severity.
 */
import { type Detection, type Impact, MONITOR_USE_CASE, type Severity } from "@plumbline/schemas";

/** Largest share of the day's calls that may be hit without SEV1. */
const IMPACT_SHARE_MAX = 0.05;
/** Largest share of the calls since the change on a degraded path without SEV1. */
const DEGRADED_SHARE_MAX = 0.5;

type Asserted = Detection extends infer Each
  ? Each extends Detection
    ? Pick<Each, "kind" | "use_case" | "is_guardrail" | "evidence">
    : never
  : never;

export function severityOf(detection: Asserted): Severity {
  switch (detection.kind) {
    case "quality": {
      const { detector, protects, impact } = detection.evidence;
      if (!detection.is_guardrail || detector?.level !== "page") return "SEV3";
      return protects !== null || isLarge(impact) ? "SEV1" : "SEV2";
    }
    case "success":
      return isLarge(detection.evidence.impact) ? "SEV1" : "SEV2";
    case "path_mix":
      return (detection.evidence.degraded_share ?? 0) > DEGRADED_SHARE_MAX ? "SEV1" : "SEV3";
    case "output_drift":
      // With a deploy it is information; without one it is somebody else's doing.
      return detection.evidence.at_deploy ? "SEV3" : "SEV2";
    case "coverage":
      return coverageSeverity(detection);
    case "input_drift":
    case "latency":
    case "cost":
    case "judge_drift":
      return "SEV3";
  }
}

function coverageSeverity({ evidence, use_case }: Extract<Asserted, { kind: "coverage" }>): Severity {
  switch (evidence.measure) {
    case "stored_share":
      return "SEV2";
    case "job_runs":
      return use_case === MONITOR_USE_CASE ? "SEV2" : "SEV3";
    case "judged_share":
    case "scored_share":
    case "verdict_count":
    case "sampled_calls":
    case "traffic":
    case "known_versions":
    case "known_use_cases":
      return "SEV3";
  }
}

function isLarge(impact: Impact | null): boolean {
  return impact !== null && impact.degraded_calls > IMPACT_SHARE_MAX * impact.day_calls;
}
