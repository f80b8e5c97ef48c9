import { CALL_BYTES_MAX, CALL_FIELDS, LlmCall as LlmCallSchema, type LlmCallInput } from "@plumbline/schemas";
import { expect, expectTypeOf, test } from "vitest";
import { createEmitter } from "./emitter.ts";
import type { LlmCall } from "./llm-call.ts";
import { createRecordingTransport } from "./recording-transport.ts";

/** Every field, so that a field added to the schema alone fails here. */
const FULL: Required<LlmCall> = {
  call_id: "0198f3a0-0000-7000-8000-000000000001",
  schema_version: 1,
  started_at: "2026-11-24T09:15:00.000Z",
  env: "production",
  app: "support",
  app_version: "1.2.3",
  use_case: "ticket-summary",
  prompt_version: `sha256:${"0".repeat(64)}`,
  prompt_source: "live",
  provider: "openai",
  model: "gpt-5-mini",
  response_model: "gpt-5-mini-2026-08-01",
  path: "fallback_model",
  attempts: [
    {
      provider: "openai",
      model: "gpt-5",
      path: "primary",
      status: "timeout",
      error_type: "timeout",
      latency_ms: 8000,
      input_tokens: 10,
      output_tokens: null,
      cost_usd: 0,
    },
  ],
  status: "ok",
  error_type: null,
  latency_ms: 812,
  ttft_ms: 200,
  input_tokens: 100,
  cached_input_tokens: 50,
  cache_write_input_tokens: 10,
  output_tokens: 20,
  reasoning_output_tokens: 5,
  cost_usd: 0.001,
  cache_kind: "prefix",
  conversation_id: "c1",
  user_hash: "u1",
  trace_id: "t1",
  span_id: "s1",
  input: "in",
  output: "out",
  vars: { ticket: "text" },
  attributes: { tier: "enterprise" },
  is_truncated: false,
  emitter_id: "e1",
  sequence: 0,
  dropped: 0,
  client_report: { emitted: 3, acknowledged: 1, rejected: 0, dropped: { queue_full: 1 } },
};

test("the emitter's type and the collector's schema are the same type", () => {
  expectTypeOf<LlmCall>().toEqualTypeOf<LlmCallInput>();
});

test("the schema knows exactly the emitter's fields, and accepts every one", () => {
  expect(new Set(Object.keys(FULL))).toEqual(CALL_FIELDS);
  expect(LlmCallSchema.strict().parse(FULL)).toEqual(FULL);
});

test("whatever the emitter does to an event, the schema accepts it", async () => {
  for (const capture of ["full", "hash", "none"] as const) {
    const transport = createRecordingTransport();
    const emitter = createEmitter({ app: "support", transport, capture });
    emitter.emit(FULL);
    emitter.emit({ ...FULL, input: "x".repeat(CALL_BYTES_MAX * 2), vars: { a: "y".repeat(CALL_BYTES_MAX) } });
    emitter.emit({ use_case: "u", model: "m", status: "error", latency_ms: 1 });
    await emitter.close();
    expect(transport.calls).toHaveLength(3);
    for (const call of transport.calls) expect(LlmCallSchema.strict().safeParse(call).error).toBeUndefined();
  }
});
