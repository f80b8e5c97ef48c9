/**
 * A call in its two tables of `schemas/clickhouse/migrations/0001_calls.sql`. Absent text becomes "" where
 * the column can't be null; absent numbers stay null, because unknown isn't zero.
 */
import type { CallRow } from "@plumbline/ports";
import {
  array,
  bool,
  type ColumnType,
  dateTime64,
  decimal9,
  float64,
  lowCardinality,
  map,
  nullable,
  string,
  tuple,
  uint16,
  uint32,
  uint64,
  uuid,
} from "../encode/column-types.ts";
import { column, type NativeColumn, type NativeTable } from "../encode/encode-native.ts";

function of<Value>(
  name: string,
  type: ColumnType<Value>,
  valueOf: (row: CallRow) => Value,
): NativeColumn<CallRow> {
  return column(name, type, valueOf);
}

const number = nullable(float64, 0);
const tokens = nullable(uint32, 0);

const ATTEMPT = tuple<{
  model: string;
  path: string;
  status: string;
  error_type: string;
  latency_ms: number;
  input_tokens: number | null;
  output_tokens: number | null;
  cost_usd: number | null;
}>({
  model: lowCardinality,
  path: lowCardinality,
  status: lowCardinality,
  error_type: lowCardinality,
  latency_ms: float64,
  input_tokens: tokens,
  output_tokens: tokens,
  cost_usd: number,
});

const ORIGIN = [
  of("log_epoch", uint16, (row) => row.log_epoch ?? 0),
  of("log_partition", uint16, (row) => row.log_partition),
  of("log_offset", uint64, (row) => row.log_offset),
  of("ingested_at", dateTime64, (row) => row.ingested_at),
];

export const CALLS: NativeTable<CallRow> = {
  table: "plumbline_raw.calls",
  chars: () => 1_000,
  columns: [
    of("tenant", lowCardinality, (row) => row.tenant),
    of("env", lowCardinality, ({ call }) => call.env),
    of("app", lowCardinality, ({ call }) => call.app),
    of("app_version", lowCardinality, ({ call }) => call.app_version ?? ""),
    of("use_case", lowCardinality, ({ call }) => call.use_case),
    of("prompt_version", lowCardinality, (row) => row.prompt_version),
    of("prompt_source", lowCardinality, ({ call }) => call.prompt_source),
    of("call_id", uuid, ({ call }) => call.call_id),
    of("schema_version", uint16, ({ call }) => call.schema_version),
    of("started_at", dateTime64, (row) => row.started_at),
    of("clock_skew_ms", float64, (row) => row.clock_skew_ms),
    of("conversation_id", string, (row) => row.conversation_id),
    of("user_hash", string, ({ call }) => call.user_hash ?? ""),
    of("trace_id", string, ({ call }) => call.trace_id ?? ""),
    of("span_id", string, ({ call }) => call.span_id ?? ""),
    of("provider", lowCardinality, ({ call }) => call.provider ?? ""),
    of("model", lowCardinality, ({ call }) => call.model),
    of("response_model", lowCardinality, ({ call }) => call.response_model ?? ""),
    of("path", lowCardinality, ({ call }) => call.path),
    of("status", lowCardinality, ({ call }) => call.status),
    of("error_type", lowCardinality, ({ call }) => call.error_type ?? ""),
    of("cache_kind", lowCardinality, ({ call }) => call.cache_kind),
    of("latency_ms", float64, ({ call }) => call.latency_ms),
    of("ttft_ms", number, ({ call }) => call.ttft_ms ?? null),
    of("input_tokens", tokens, ({ call }) => call.input_tokens ?? null),
    of("cached_input_tokens", tokens, ({ call }) => call.cached_input_tokens ?? null),
    of("cache_write_input_tokens", tokens, ({ call }) => call.cache_write_input_tokens ?? null),
    of("output_tokens", tokens, ({ call }) => call.output_tokens ?? null),
    of("reasoning_output_tokens", tokens, ({ call }) => call.reasoning_output_tokens ?? null),
    of("cost_usd", nullable(decimal9, 0), (row) => row.cost_usd),
    of("attempts", array(ATTEMPT), ({ call }) =>
      call.attempts.map((attempt) => ({
        model: attempt.model,
        path: attempt.path,
        status: attempt.status,
        error_type: attempt.error_type ?? "",
        latency_ms: attempt.latency_ms,
        input_tokens: attempt.input_tokens ?? null,
        output_tokens: attempt.output_tokens ?? null,
        cost_usd: attempt.cost_usd ?? null,
      })),
    ),
    of("attempt_providers", array(lowCardinality), ({ call }) =>
      call.attempts.map(({ provider }) => provider ?? ""),
    ),
    of("attributes", map(lowCardinality, string), ({ call }) => call.attributes),
    of("slices", array(lowCardinality), (row) => row.slices),
    of("features", map(lowCardinality, float64), (row) => row.features),
    of("flags", array(lowCardinality), (row) => row.flags),
    of("is_truncated", bool, ({ call }) => call.is_truncated),
    of("is_sampled", bool, (row) => row.is_sampled),
    of("sample_rate", float64, (row) => row.sample_rate),
    of("has_payload", bool, hasPayload),
    of("emitter_id", string, ({ call }) => call.emitter_id ?? ""),
    of("sequence", nullable(uint64, 0), ({ call }) => call.sequence ?? null),
    of("dropped", uint64, ({ call }) => call.dropped),
    of("client_report", map(lowCardinality, uint64), ({ call }) => flatReport(call.client_report)),
    ...ORIGIN,
  ],
};

export const CALL_PAYLOADS: NativeTable<CallRow> = {
  table: "plumbline_raw.call_payloads",
  chars: ({ call }) => (call.input?.length ?? 0) + (call.output?.length ?? 0),
  columns: [
    of("tenant", lowCardinality, (row) => row.tenant),
    of("use_case", lowCardinality, ({ call }) => call.use_case),
    of("call_id", uuid, ({ call }) => call.call_id),
    of("started_at", dateTime64, (row) => row.started_at),
    of("input", nullable(string, ""), ({ call }) => call.input ?? null),
    of("output", nullable(string, ""), ({ call }) => call.output ?? null),
    of("vars", map(string, string), ({ call }) => call.vars ?? {}),
    ...ORIGIN,
  ],
};

/** Texts were captured: the call has a row in `call_payloads`. */
export function hasPayload({ call }: CallRow): boolean {
  return typeof call.input === "string" || typeof call.output === "string" || call.vars != null;
}

/** A report as one map: its counts, and `dropped_<reason>` for each reason. Empty when the call carried none. */
function flatReport(report: CallRow["call"]["client_report"]): Readonly<Record<string, number>> {
  if (report == null) return NO_REPORT;
  const { emitted, acknowledged, rejected, dropped } = report;
  const flat: Record<string, number> = { emitted, acknowledged, rejected };
  for (const [reason, count] of Object.entries(dropped)) if (count > 0) flat[`dropped_${reason}`] = count;
  return flat;
}

const NO_REPORT = {};
