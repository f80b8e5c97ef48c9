-- Whether clients followed a rollback is asked of each process, so calls say which one made them. What the registry
-- tells people, a bypass or a rollback, has an id but no detection: it is no incident.

CREATE OR REPLACE VIEW plumbline.calls_v1
(
    call_id UUID COMMENT 'identifies the call',
    event_at DateTime64(3, 'UTC') COMMENT 'when the application began the call, UTC',
    tenant String COMMENT 'owner of the call',
    env String COMMENT 'deployment environment',
    app String COMMENT 'application that made the call',
    app_version String COMMENT 'version of the application; empty when not reported',
    use_case String COMMENT 'feature that the prompt serves',
    prompt_version String COMMENT 'sha256:<64 hex> of the canonical prompt; empty when untagged',
    prompt_source String COMMENT 'where the application got the prompt',
    provider String COMMENT 'model provider; empty when not reported',
    model String COMMENT 'model asked for',
    response_model String COMMENT 'model that answered; empty when not reported',
    path String COMMENT 'rung of the degradation tree that answered',
    is_degraded Bool COMMENT 'something else than the primary model answered',
    status String COMMENT 'outcome for the user; says nothing about quality',
    error_type String COMMENT 'class of the failure; empty when none',
    latency_ms Float64 COMMENT 'as the user waited for it, ms',
    ttft_ms Nullable(Float64) COMMENT 'time to first token, ms; null when not reported',
    input_tokens Nullable(UInt32) COMMENT 'including cached ones; null when not reported',
    cached_input_tokens Nullable(UInt32) COMMENT 'null when not reported',
    output_tokens Nullable(UInt32) COMMENT 'null when not reported',
    cost_usd Nullable(Decimal(18, 9)) COMMENT 'US dollars; null when the price is unknown, which is not zero',
    cache_kind String COMMENT 'cache that served: none, prefix, exact, semantic',
    attempts UInt64 COMMENT 'provider requests inside the call; their details are in attempts_v1',
    conversation_id String COMMENT 'unit of statistics; the call_id when none was reported',
    user_hash String COMMENT 'salted hash of the user; empty when not reported',
    trace_id String COMMENT 'OpenTelemetry trace id; empty when not reported',
    attributes Map(String, String) COMMENT 'free attributes of the application',
    slices Array(String) COMMENT 'names of the input predicates that held',
    features Map(String, Float64) COMMENT 'numbers that drift is measured on',
    is_sampled Bool COMMENT 'selected for judging',
    sample_rate Float64 COMMENT 'probability of being selected; weights are its inverse',
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the call, UTC',
    emitter_id String COMMENT 'process that made the call, from its start to its end; empty when not reported'
)
AS SELECT
    call_id,
    started_at AS event_at,
    tenant,
    env,
    app,
    app_version,
    use_case,
    prompt_version,
    prompt_source,
    provider,
    model,
    response_model,
    path,
    path NOT IN ('primary', 'retry') AS is_degraded,
    status,
    error_type,
    latency_ms,
    ttft_ms,
    input_tokens,
    cached_input_tokens,
    output_tokens,
    cost_usd,
    cache_kind,
    length(calls.attempts) AS attempts,
    conversation_id,
    user_hash,
    trace_id,
    CAST(calls.attributes, 'Map(String, String)') AS attributes,
    slices,
    CAST(calls.features, 'Map(String, Float64)') AS features,
    is_sampled,
    sample_rate,
    ingested_at,
    emitter_id
FROM plumbline_raw.calls AS calls FINAL
COMMENT 'One row per user request, with its final outcome';

ALTER TABLE plumbline_raw.incidents
    COMMENT COLUMN type 'what happened: detected, recovered, acknowledged, unacknowledged, snoozed, dismissed, delivered; gate_bypassed and rolled_back are told by the registry';

CREATE OR REPLACE VIEW plumbline.incidents_v1
(
    incident_id String COMMENT 'identifies the incident',
    tenant String COMMENT 'owner of the calls',
    env String COMMENT 'deployment environment',
    use_case String COMMENT 'feature that the prompt serves',
    kind String COMMENT 'what the monitor asserts, such as quality',
    severity String COMMENT 'of the newest detection',
    metric String COMMENT 'criterion or measured quantity',
    prompt_version String COMMENT 'candidate of the newest detection',
    effect Nullable(Float64) COMMENT 'candidate minus incumbent in the unit of the metric, newest detection',
    detected_at DateTime64(3, 'UTC') COMMENT 'first detection, UTC',
    detections UInt64 COMMENT 'how often the monitor asserted it',
    last_event String COMMENT 'newest event other than a delivery, such as acknowledged',
    last_event_at DateTime64(3, 'UTC') COMMENT 'its time, UTC',
    last_actor String COMMENT 'who did it'
)
AS SELECT
    incident_id,
    argMaxIf(tenant, log_offset, type = 'detected') AS tenant,
    argMaxIf(env, log_offset, type = 'detected') AS env,
    argMaxIf(use_case, log_offset, type = 'detected') AS use_case,
    argMaxIf(kind, log_offset, type = 'detected') AS kind,
    argMaxIf(severity, log_offset, type = 'detected') AS severity,
    argMaxIf(metric, log_offset, type = 'detected') AS metric,
    argMaxIf(prompt_version, log_offset, type = 'detected') AS prompt_version,
    argMaxIf(effect, log_offset, type = 'detected') AS effect,
    minIf(at, type = 'detected') AS detected_at,
    countIf(type = 'detected') AS detections,
    argMaxIf(type, log_offset, type != 'delivered') AS last_event,
    argMaxIf(at, log_offset, type != 'delivered') AS last_event_at,
    argMaxIf(actor, log_offset, type != 'delivered') AS last_actor
FROM plumbline_raw.incidents FINAL
GROUP BY incident_id
HAVING detections > 0
COMMENT 'One row per incident';
