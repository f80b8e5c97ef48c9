import type { CallRow } from "@plumbline/ports";
import { LlmCall } from "@plumbline/schemas";

/** Rows of one batch; its offsets are `batch * BATCH_ROWS` and the next ones. */
export const BATCH_ROWS = 600;

export function batchRows(batch: number): readonly CallRow[] {
  return Array.from({ length: BATCH_ROWS }, (_, i) => {
    const offset = batch * BATCH_ROWS + i;
    const started_at = new Date(Date.UTC(2026, 10, 20 + (i % 3), 9, 0, 0, i)).toISOString();
    const call = LlmCall.parse({
      call_id: `01935b2e-7c4e-7000-8000-${offset.toString(16).padStart(12, "0")}`,
      started_at,
      app: "helpdesk",
      use_case: "ticket-summary",
      prompt_version: "v1",
      model: "model-a",
      status: "ok",
      latency_ms: 100,
      input: `question ${offset} `.repeat(20),
      output: `answer ${offset}`,
    });
    return {
      log_partition: 0,
      log_offset: offset,
      ingested_at: started_at,
      tenant: "acme",
      call,
      prompt_version: "v1",
      conversation_id: call.call_id,
      started_at,
      clock_skew_ms: 0,
      cost_usd: null,
      slices: [],
      features: {},
      is_sampled: false,
      sample_rate: 0.05,
      flags: [],
    };
  });
}
