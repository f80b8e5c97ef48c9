import type { LlmCallInput } from "@plumbline/schemas";
import type { Arrival } from "./read-traffic.ts";

/** An application's name must stand on every call. */
const APP = "backtest";
const MODEL_UNKNOWN = "unknown";

/**
 * The call that an emitter would have sent. `meta.slice` and `meta.segment` become attributes, and so slices; no other
 * truth of the file gets into the call.
 *
 * @param index position in the replay; with the time it makes the id, so a replay repeated draws the same sample
 */
export function toCall({ at, prompt_version, row }: Arrival, index: number): LlmCallInput {
  const { slice, cost_usd } = row.meta;
  return {
    call_id: callId(at, index),
    started_at: new Date(at).toISOString(),
    app: APP,
    use_case: row.use_case,
    prompt_version,
    model: row.model ?? MODEL_UNKNOWN,
    response_model: row.model,
    status: "ok",
    // The schema needs a latency; zero for all is no change for the monitor.
    latency_ms: row.latency_ms ?? 0,
    input_tokens: row.prompt_tokens,
    output_tokens: row.completion_tokens,
    cost_usd: typeof cost_usd === "number" && cost_usd >= 0 ? cost_usd : null,
    input: row.input,
    output: row.output,
    attributes: typeof slice === "string" && slice !== "" ? { slice } : {},
  };
}

/** A UUIDv7 whose random part is the position. */
function callId(at: number, index: number): string {
  const time = Math.max(0, at).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, "0")}`;
}
