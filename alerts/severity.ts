import type { Detection } from "@plumbline/schemas";

export type Severity = Detection["severity"];

const RANK: Readonly<Record<Severity, number>> = { SEV1: 3, SEV2: 2, SEV3: 1 };

/** Whether `next` is more urgent than `previous`. */
export function isRaised(previous: Severity, next: Severity): boolean {
  return RANK[next] > RANK[previous];
}

/** Degraded calls so far, as a share of a day's calls, past which a guardrail regression is SEV1. */
const IMPACT_SHARE_SEV1 = 0.05;
/** Share of calls answered by a degraded path past which the use case counts as down. */
const DEGRADED_SHARE_SEV1 = 0.5;

export interface SeverityEvidence {
  readonly kind: Detection["kind"];
  readonly is_guardrail: boolean;
  /** The criterion guards safety or personal data. */
  readonly is_safety: boolean;
  /** Estimated degraded calls so far over calls per day, in [0, ∞); null when unknown. */
  readonly impact_share: number | null;
  /** Share of calls served by a degraded path, in [0, 1]; null when unknown. */
  readonly degraded_share: number | null;
}

/**
 * How urgent a detection is. A guardrail may wake people; a signal (drift, cost, latency, a signal criterion)
 * may not, however large it is. Unknown evidence never raises the severity.
 */
export function decideSeverity(evidence: SeverityEvidence): Severity {
  if ((evidence.degraded_share ?? 0) > DEGRADED_SHARE_SEV1) return "SEV1";
  if (!evidence.is_guardrail) return "SEV3";
  if (evidence.is_safety) return "SEV1";
  if ((evidence.impact_share ?? 0) > IMPACT_SHARE_SEV1) return "SEV1";
  return "SEV2";
}
