/**
 * The rows of the port in the tables of `schemas/clickhouse/migrations`. Absent text becomes "" where the
 * column can't be null; absent numbers stay null, because unknown isn't zero.
 */
import type { DeadLetterRow, IngestAudit, LogBinding, Origin } from "@plumbline/ports";
import type { Detection, Feedback, IncidentEvent, RegistryEvent, Verdict } from "@plumbline/schemas";
import { type TableEncoding, toDateTime64 } from "../encode/encode-rows.ts";

const ORIGIN = {
  log_epoch: (row: Origin) => row.log_epoch ?? 0,
  log_partition: (row: Origin) => row.log_partition,
  log_offset: (row: Origin) => row.log_offset,
  ingested_at: (row: Origin) => toDateTime64(row.ingested_at),
};

export const VERDICTS: TableEncoding<Origin & { readonly verdict: Verdict }> = {
  table: "plumbline_raw.verdicts",
  columns: {
    tenant: ({ verdict }) => verdict.tenant,
    env: ({ verdict }) => verdict.env,
    use_case: ({ verdict }) => verdict.use_case,
    prompt_version: ({ verdict }) => verdict.prompt_version,
    model: ({ verdict }) => verdict.model,
    call_id: ({ verdict }) => verdict.call_id,
    conversation_id: ({ verdict }) => verdict.conversation_id,
    started_at: ({ verdict }) => toDateTime64(verdict.started_at),
    criterion: ({ verdict }) => verdict.criterion,
    is_guardrail: ({ verdict }) => verdict.is_guardrail,
    protects: ({ verdict }) => verdict.protects ?? "",
    rubric_hash: ({ verdict }) => verdict.rubric_hash,
    judge: ({ verdict }) => verdict.judge,
    state: ({ verdict }) => verdict.state,
    label: ({ verdict }) => verdict.label,
    score: ({ verdict }) => verdict.score,
    reason: ({ verdict }) => verdict.reason,
    cause: ({ verdict }) => verdict.cause ?? "",
    input_chars: ({ verdict }) => verdict.truncated?.input_chars ?? null,
    input_judged_chars: ({ verdict }) => verdict.truncated?.input_judged_chars ?? null,
    output_chars: ({ verdict }) => verdict.truncated?.output_chars ?? null,
    output_judged_chars: ({ verdict }) => verdict.truncated?.output_judged_chars ?? null,
    failure_type: ({ verdict }) => verdict.failure_type,
    judged_at: ({ verdict }) => toDateTime64(verdict.judged_at),
    latency_ms: ({ verdict }) => verdict.latency_ms,
    cost_usd: ({ verdict }) => verdict.cost_usd,
    slices: ({ verdict }) => verdict.slices,
    sample_rate: ({ verdict }) => verdict.sample_rate,
    input_fingerprint: ({ verdict }) => verdict.input_fingerprint ?? "",
    ...ORIGIN,
  },
};

export const FEEDBACK: TableEncoding<Origin & { readonly tenant: string; readonly feedback: Feedback }> = {
  table: "plumbline_raw.feedback",
  columns: {
    tenant: ({ tenant }) => tenant,
    feedback_id: ({ feedback }) => feedback.feedback_id,
    call_id: ({ feedback }) => feedback.call_id,
    use_case: ({ feedback }) => feedback.use_case,
    kind: ({ feedback }) => feedback.kind,
    value: ({ feedback }) => feedback.value,
    criterion: ({ feedback }) => feedback.criterion ?? "",
    comment: ({ feedback }) => feedback.comment ?? null,
    author: ({ feedback }) => feedback.author ?? "",
    given_at: ({ feedback }) => toDateTime64(feedback.given_at),
    ...ORIGIN,
  },
};

export const INCIDENTS: TableEncoding<Origin & { readonly event: IncidentEvent }> = {
  table: "plumbline_raw.incidents",
  columns: {
    incident_id: ({ event }) => event.incident_id,
    type: ({ event }) => event.type,
    at: ({ event }) => toDateTime64(event.at),
    actor: ({ event }) => event.actor,
    tenant: ({ event }) => detectionOf(event)?.tenant ?? "",
    env: ({ event }) => detectionOf(event)?.env ?? "",
    use_case: ({ event }) => detectionOf(event)?.use_case ?? "",
    kind: ({ event }) => detectionOf(event)?.kind ?? "",
    severity: ({ event }) => detectionOf(event)?.severity ?? "",
    metric: ({ event }) => detectionOf(event)?.metric.name ?? "",
    prompt_version: ({ event }) => detectionOf(event)?.candidate.prompt_version ?? "",
    effect: ({ event }) => detectionOf(event)?.effect ?? null,
    event: ({ event }) => JSON.stringify(event),
    ...ORIGIN,
  },
};

export const REGISTRY_EVENTS: TableEncoding<Origin & { readonly event: RegistryEvent }> = {
  table: "plumbline_raw.registry_events",
  columns: {
    event_id: ({ event }) => event.event_id,
    use_case: ({ event }) => event.use_case,
    env: ({ event }) => event.env,
    type: ({ event }) => event.type,
    expected_revision: ({ event }) => event.expected_revision,
    prompt_version: ({ event }) => event.prompt_version ?? "",
    actor: ({ event }) => event.actor,
    reason: ({ event }) => event.reason,
    at: ({ event }) => toDateTime64(event.at),
    body: ({ event }) => JSON.stringify(event.body),
    ...ORIGIN,
  },
};

export const INGEST_AUDIT: TableEncoding<IngestAudit> = {
  table: "plumbline_raw.ingest_audit",
  columns: {
    topic: (row) => row.topic,
    log_epoch: (row) => row.log_epoch ?? 0,
    log_partition: (row) => row.log_partition,
    from_offset: (row) => row.from_offset,
    to_offset: (row) => row.to_offset,
    rows: (row) => row.rows,
    duplicates: (row) => row.duplicates,
    duplicates_by_app: (row) => row.duplicates_by_app ?? [],
    dead_letters: (row) => row.dead_letters,
    recovered: (row) => row.recovered,
    written_at: (row) => toDateTime64(row.written_at),
  },
};

export const DEAD_LETTERS: TableEncoding<DeadLetterRow> = {
  table: "plumbline_raw.dead_letters",
  columns: {
    topic: (row) => row.topic,
    partition: (row) => row.partition,
    offset: (row) => row.offset,
    type: (row) => row.type,
    tenant: (row) => row.tenant,
    app: (row) => row.app,
    emitter_id: (row) => row.emitter_id,
    sequence: (row) => row.sequence,
    reason: (row) => row.reason,
    detail: (row) => row.detail,
    bytes: (row) => row.bytes,
    first_seen: (row) => toDateTime64(row.first_seen),
    redriven_by: (row) => row.redriven_by,
    ...ORIGIN,
  },
};

export const LOG_BINDINGS: TableEncoding<LogBinding> = {
  table: "plumbline_raw.log_bindings",
  columns: {
    log_epoch: (row) => row.log_epoch,
    log_id: (row) => row.log_id,
    bound_at: (row) => toDateTime64(row.bound_at),
  },
};

function detectionOf(event: IncidentEvent): Detection | null {
  return event.type === "detected" ? event.detection : null;
}
