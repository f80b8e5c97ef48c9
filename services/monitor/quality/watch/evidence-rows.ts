import type { BaselineRow, EvidenceRow } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import type { HourEvidence } from "@plumbline/stats";
import { snapshotOf } from "./baseline.ts";
import { iso } from "../../units/series.ts";

/** An hour's sums as they are stored: one row for each stream that had units. */
export function evidenceRows(baseline: BaselineRow, evidence: HourEvidence, nowMs: number): EvidenceRow[] {
  const { streams, drops } = snapshotOf(baseline);
  const { snapshot_id, tenant, env, use_case, criterion, prompt_version } = baseline;
  return streams.flatMap((stream, k) => {
    if (evidence.n[k] === 0) return [];
    const cells = (sums: ArrayLike<number>): number[] =>
      Array.from({ length: drops.length }, (_, j) => sums[k * drops.length + j]!);
    return [
      {
        snapshot_id,
        tenant,
        env,
        use_case,
        criterion,
        prompt_version,
        stream: stream.name,
        hour: iso(evidence.hour * HOUR_MS),
        units: evidence.n[k]!,
        score_sum: evidence.sum[k]!,
        expected_sum: evidence.expected[k]!,
        log_factors: cells(evidence.drop),
        clearance_factors: cells(evidence.clearance),
        computed_at: iso(nowMs),
      },
    ];
  });
}
