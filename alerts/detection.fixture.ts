import type { Detection } from "@plumbline/schemas";

/** The incident of the design: a version that lost the amounts in tickets that mention money. */
export function detection(changes: Partial<Detection> = {}): Detection {
  return {
    kind: "quality",
    severity: "SEV2",
    tenant: "",
    env: "production",
    use_case: "ticket-summary",
    metric: "faithfulness",
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
    evidence: {},
    ...changes,
  };
}
