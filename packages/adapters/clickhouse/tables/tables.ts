/**
 * How the rows of the port lie in the tables of `schemas/clickhouse/migrations`. Absent text becomes "" where the
 * column can't be null; absent numbers stay null, because unknown isn't zero.
 */
import type { DeadLetterRow, IngestAudit, LogBinding, Origin } from "@plumbline/ports";
import type { Feedback, IncidentEvent, RegistryEvent, Verdict } from "@plumbline/schemas";
import { type TableEncoding, toDateTime64 } from "../encode/encode-rows.ts";

const ORIGIN_COLUMNS = ["log_epoch", "log_partition", "log_offset", "ingested_at"] as const;

function originValues(row: Origin): readonly unknown[] {
  return [row.log_epoch ?? 0, row.log_partition, row.log_offset, toDateTime64(row.ingested_at)];
}

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
    "protects",
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
    "input_fingerprint",
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
      verdict.protects ?? "",
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
      verdict.input_fingerprint ?? "",
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
      detection?.metric.name ?? "",
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
    "log_epoch",
    "log_partition",
    "from_offset",
    "to_offset",
    "rows",
    "duplicates",
    "duplicates_by_app",
    "dead_letters",
    "recovered",
    "written_at",
  ],
  values: (row) => [
    row.topic,
    row.log_epoch ?? 0,
    row.log_partition,
    row.from_offset,
    row.to_offset,
    row.rows,
    row.duplicates,
    row.duplicates_by_app ?? [],
    row.dead_letters,
    row.recovered,
    toDateTime64(row.written_at),
  ],
};

export const DEAD_LETTERS: TableEncoding<DeadLetterRow> = {
  table: "plumbline_raw.dead_letters",
  columns: [
    "topic",
    "partition",
    "offset",
    "type",
    "tenant",
    "app",
    "emitter_id",
    "sequence",
    "reason",
    "detail",
    "bytes",
    "first_seen",
    "redriven_by",
    ...ORIGIN_COLUMNS,
  ],
  values: (row) => [
    row.topic,
    row.partition,
    row.offset,
    row.type,
    row.tenant,
    row.app,
    row.emitter_id,
    row.sequence,
    row.reason,
    row.detail,
    row.bytes,
    toDateTime64(row.first_seen),
    row.redriven_by,
    ...originValues(row),
  ],
};

export const LOG_BINDINGS: TableEncoding<LogBinding> = {
  table: "plumbline_raw.log_bindings",
  columns: ["log_epoch", "log_id", "bound_at"],
  values: ({ log_epoch, log_id, bound_at }) => [log_epoch, log_id, toDateTime64(bound_at)],
};
