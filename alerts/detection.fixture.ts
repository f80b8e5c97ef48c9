import type { QualityDetection, QualityEvidence } from "@plumbline/schemas";

export interface Changes extends Partial<Omit<QualityDetection, "evidence">> {
  readonly evidence?: Partial<QualityEvidence>;
}

/** Evidence of which nothing is known. */
const NOTHING: QualityEvidence = {
  measure: "quality",
  snapshot_id: null,
  reference: null,
  candidate: null,
  units_watched: 1_127,
  detector: null,
  explanation: null,
  cause: null,
  damage: null,
  impact: null,
  protects: null,
  judge_calibration: null,
  slice_intervals: {},
  success: [],
  normal: [],
};

/** The incident of the design: a version that lost the amounts in tickets that mention money. */
export function detection({ evidence, ...changes }: Changes = {}): QualityDetection {
  return {
    kind: "quality",
    severity: "SEV2",
    tenant: "",
    env: "production",
    use_case: "ticket-summary",
    metric: { name: "faithfulness", unit: "share", label: "faithfulness" },
    is_guardrail: true,
    candidate: {
      prompt_version: `sha256:4f1c9a2b77d0${"0".repeat(52)}`,
      units: 1_127,
      calls: 22_540,
      mean: 0.789,
      interval: [0.765, 0.813],
    },
    incumbent: {
      prompt_version: `sha256:9be07d1c3f42${"0".repeat(52)}`,
      units: 8_420,
      calls: 168_400,
      mean: 0.941,
      interval: [0.936, 0.946],
    },
    effect: -0.152,
    interval: [-0.202, -0.102],
    level: 0.95,
    method: "mixture e-process",
    judge: "faithfulness@3",
    rubric_hash: null,
    window: { start: "2026-11-24T09:15:00.000Z", end: "2026-11-24T10:02:00.000Z" },
    version_started_at: "2026-11-24T09:15:00.000Z",
    slices: [
      {
        name: "lang=en",
        units: 980,
        reference: 0.941,
        current: 0.79,
        share_of_traffic: 0.9,
        share_of_drop: 0.9,
      },
      {
        name: "mentions_money",
        units: 203,
        reference: 0.944,
        current: 0.099,
        share_of_traffic: 0.18,
        share_of_drop: 1,
      },
    ],
    verdict: "DISTRIBUTIONAL",
    ...changes,
    evidence: { ...NOTHING, ...evidence },
  };
}

/** The detector as the monitor writes it, in the parts that messages read. */
export function streams(
  changes: Partial<Extract<QualityEvidence["detector"], { kind: "streams" }>> = {},
): QualityEvidence["detector"] {
  return {
    kind: "streams",
    level: "page",
    log_m: 12.3,
    log_threshold: 9.8,
    from: "2026-11-24T09:00:00.000Z",
    start_weight: 168,
    alarm_hour: "2026-11-24T10:00:00.000Z",
    hours_since_start: 1,
    units_until_alarm: 1_127,
    origin: "deploy",
    change_hour: "2026-11-24T09:00:00.000Z",
    paired_silent: false,
    paired: null,
    affected: [],
    tempering: 1,
    misfits_expected: 0,
    streams: [],
    ...changes,
  };
}
