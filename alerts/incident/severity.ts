import type { Severity } from "@plumbline/schemas";

const RANK: Readonly<Record<Severity, number>> = { SEV1: 3, SEV2: 2, SEV3: 1 };

/** isRaised returns true when `next` is more urgent than `previous`. */
export function isRaised(previous: Severity, next: Severity): boolean {
  return RANK[next] > RANK[previous];
}
