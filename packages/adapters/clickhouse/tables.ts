/**
 * How the rows of the port lie in the tables of `schemas/clickhouse/migrations`. Absent text becomes "" where the
 * column can't be null; absent numbers stay null, because unknown isn't zero.
 */
import type { CallRow, IngestAudit, Origin } from "@plumbline/ports";
import type { Feedback, IncidentEvent, RegistryEvent, Verdict } from "@plumbline/schemas";
import { type TableEncoding, toDateTime64 } from "./encode-rows.ts";

const ORIGIN_COLUMNS = ["log_partition", "log_offset", "ingested_at"] as const;

function originValues(row: Origin): readonly unknown[] {
  return [row.log_partition, row.log_offset, toDateTime64(row.ingested_at)];
}

/** Texts were captured: the call has a row in `call_payloads`. */
export function hasPayload({ call }: CallRow): boolean {
  return typeof call.input === "string" || typeof call.output === "string" || call.vars != null;
}

export const CALLS: TableEncoding<CallRow> = {
  table: "plumbline_raw.calls",
  columns: [
    "tenant",
    "env",
    "app",
    "app_version",
    "use_case",
    "prompt_version",
    "prompt_source",
    "call_id",
    "schema_version",
    "started_at",
    "clock_skew_ms",
    "conversation_id",
    "user_hash",
    "trace_id",
    "span_id",
    "provider",
    "model",
    "response_model",
    "path",
    "status",
    "error_type",
    "cache_kind",
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_usd",
    "attempts",
    "attributes",
    "slices",
    "features",
    "flags",
    "is_truncated",
    "is_sampled",
    "sample_rate",
    "has_payload",
    "emitter_id",
    "sequence",
    "dropped",
    ...ORIGIN_COLUMNS,
  ],
  values(row) {
    const { call } = row;
    return [
      row.tenant,
      call.env,
      call.app,
      call.app_version ?? "",
      call.use_case,
      row.prompt_version,
      call.prompt_source,
      call.call_id,
      call.schema_version,
      toDateTime64(row.started_at),
      row.clock_skew_ms,
      row.conversation_id,
      call.user_hash ?? "",
      call.trace_id ?? "",
      call.span_id ?? "",
      call.provider ?? "",
      call.model,
      call.response_model ?? "",
      call.path,
      call.status,
      call.error_type ?? "",
      call.cache_kind,
      call.latency_ms,
      call.ttft_ms ?? null,
      call.input_tokens ?? null,
      call.cached_input_tokens ?? null,
      call.output_tokens ?? null,
      row.cost_usd,
      call.attempts.map(attemptValues),
      call.attributes,
      row.slices,
      row.features,
      row.flags,
      call.is_truncated,
      row.is_sampled,
      row.sample_rate,
      hasPayload(row),
      call.emitter_id ?? "",
      call.sequence ?? null,
      call.dropped,
      ...originValues(row),
    ];
  },
};

/** Every key present: the engine fills a missing one with 0, not null. */
function attemptValues(attempt: CallRow["call"]["attempts"][number]): Record<string, unknown> {
  return {
    model: attempt.model,
    path: attempt.path,
    status: attempt.status,
    error_type: attempt.error_type ?? "",
    latency_ms: attempt.latency_ms,
    input_tokens: attempt.input_tokens ?? null,
    output_tokens: attempt.output_tokens ?? null,
    cost_usd: attempt.cost_usd ?? null,
  };
}

export const CALL_PAYLOADS: TableEncoding<CallRow> = {
  table: "plumbline_raw.call_payloads",
  columns: ["tenant", "use_case", "call_id", "started_at", "input", "output", "vars", ...ORIGIN_COLUMNS],
  values: (row) => [
    row.tenant,
    row.call.use_case,
    row.call.call_id,
    toDateTime64(row.started_at),
    row.call.input ?? null,
    row.call.output ?? null,
    row.call.vars ?? {},
    ...originValues(row),
  ],
};

export const VERDICTS: TableEncoding<Origin & { readonly verdict: Verdict }> = {
  table: "plumbline_raw.verdicts",
  columns: [
    "tenant",
    "env",
    "use_case",
    "prompt_version",
    "model",
    "call_id",
    "conversation_id",
    "started_at",
    "criterion",
    "is_guardrail",
    "rubric_hash",
    "judge",
    "state",
    "label",
    "score",
    "reason",
    "failure_type",
    "judged_at",
    "latency_ms",
    "cost_usd",
    "slices",
    "sample_rate",
    ...ORIGIN_COLUMNS,
  ],
  values({ verdict, ...origin }) {
    return [
      verdict.tenant,
      verdict.env,
      verdict.use_case,
      verdict.prompt_version,
      verdict.model,
      verdict.call_id,
      verdict.conversation_id,
      toDateTime64(verdict.started_at),
      verdict.criterion,
      verdict.is_guardrail,
      verdict.rubric_hash,
      verdict.judge,
      verdict.state,
      verdict.label,
      verdict.score,
      verdict.reason,
      verdict.failure_type,
      toDateTime64(verdict.judged_at),
      verdict.latency_ms,
      verdict.cost_usd,
      verdict.slices,
      verdict.sample_rate,
      ...originValues(origin),
    ];
  },
};

export const FEEDBACK: TableEncoding<Origin & { readonly tenant: string; readonly feedback: Feedback }> = {
  table: "plumbline_raw.feedback",
  columns: [
    "tenant",
    "feedback_id",
    "call_id",
    "use_case",
    "kind",
    "value",
    "criterion",
    "comment",
    "author",
    "given_at",
    ...ORIGIN_COLUMNS,
  ],
  values: ({ tenant, feedback, ...origin }) => [
    tenant,
    feedback.feedback_id,
    feedback.call_id,
    feedback.use_case,
    feedback.kind,
    feedback.value,
    feedback.criterion ?? "",
    feedback.comment ?? null,
    feedback.author ?? "",
    toDateTime64(feedback.given_at),
    ...originValues(origin),
  ],
};

export const INCIDENTS: TableEncoding<Origin & { readonly event: IncidentEvent }> = {
  table: "plumbline_raw.incidents",
  columns: [
    "incident_id",
    "type",
    "at",
    "actor",
    "tenant",
    "env",
    "use_case",
    "kind",
    "severity",
    "metric",
    "prompt_version",
    "effect",
    "event",
    ...ORIGIN_COLUMNS,
  ],
  values({ event, ...origin }) {
    const detection = event.type === "detected" ? event.detection : null;
    return [
      event.incident_id,
      event.type,
      toDateTime64(event.at),
      event.actor,
      detection?.tenant ?? "",
      detection?.env ?? "",
      detection?.use_case ?? "",
      detection?.kind ?? "",
      detection?.severity ?? "",
      detection?.metric ?? "",
      detection?.candidate.prompt_version ?? "",
      detection?.effect ?? null,
      JSON.stringify(event),
      ...originValues(origin),
    ];
  },
};

export const REGISTRY_EVENTS: TableEncoding<Origin & { readonly event: RegistryEvent }> = {
  table: "plumbline_raw.registry_events",
  columns: [
    "event_id",
    "use_case",
    "env",
    "type",
    "expected_revision",
    "prompt_version",
    "actor",
    "reason",
    "at",
    "body",
    ...ORIGIN_COLUMNS,
  ],
  values: ({ event, ...origin }) => [
    event.event_id,
    event.use_case,
    event.env,
    event.type,
    event.expected_revision,
    event.prompt_version ?? "",
    event.actor,
    event.reason,
    toDateTime64(event.at),
    JSON.stringify(event.body),
    ...originValues(origin),
  ],
};

export const INGEST_AUDIT: TableEncoding<IngestAudit> = {
  table: "plumbline_raw.ingest_audit",
  columns: [
    "topic",
    "log_partition",
    "from_offset",
    "to_offset",
    "rows",
    "duplicates",
    "dead_letters",
    "recovered",
    "written_at",
  ],
  values: (row) => [
    row.topic,
    row.log_partition,
    row.from_offset,
    row.to_offset,
    row.rows,
    row.duplicates,
    row.dead_letters,
    row.recovered,
    toDateTime64(row.written_at),
  ],
};
