-- The analysts' views. A _v1 view never loses or retypes a column. Repeats are already collapsed: FINAL is
-- inside, the reader writes none. Filter by env, use_case and event_at first: that is the sort order.

CREATE DATABASE IF NOT EXISTS plumbline COMMENT 'Plumbline, public views: versioned, columns are only ever added';

CREATE VIEW IF NOT EXISTS plumbline.calls_v1
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
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the call, UTC'
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
    ingested_at
FROM plumbline_raw.calls AS calls FINAL
COMMENT 'One row per user request, with its final outcome';

CREATE VIEW IF NOT EXISTS plumbline.attempts_v1
(
    call_id UUID COMMENT 'call that the attempt belongs to',
    event_at DateTime64(3, 'UTC') COMMENT 'start of the call, UTC',
    tenant String COMMENT 'owner of the call',
    env String COMMENT 'deployment environment',
    use_case String COMMENT 'feature that the prompt serves',
    prompt_version String COMMENT 'version; empty when untagged',
    attempt_no UInt32 COMMENT 'from 1, in order',
    model String COMMENT 'model asked for in this request',
    path String COMMENT 'rung of the degradation tree',
    status String COMMENT 'outcome of the request',
    error_type String COMMENT 'class of the failure; empty when none',
    latency_ms Float64 COMMENT 'ms',
    input_tokens Nullable(UInt32) COMMENT 'null when not reported',
    output_tokens Nullable(UInt32) COMMENT 'null when not reported',
    cost_usd Nullable(Float64) COMMENT 'US dollars; null when unknown'
)
AS SELECT
    call_id,
    started_at AS event_at,
    tenant,
    env,
    use_case,
    prompt_version,
    attempt_no,
    attempt.model AS model,
    attempt.path AS path,
    attempt.status AS status,
    attempt.error_type AS error_type,
    attempt.latency_ms AS latency_ms,
    attempt.input_tokens AS input_tokens,
    attempt.output_tokens AS output_tokens,
    attempt.cost_usd AS cost_usd
FROM plumbline_raw.calls FINAL
ARRAY JOIN attempts AS attempt, arrayEnumerate(attempts) AS attempt_no
COMMENT 'One row per provider request; several may belong to one call, so count users by calls_v1';

CREATE VIEW IF NOT EXISTS plumbline.call_texts_v1
(
    call_id UUID COMMENT 'call that the texts belong to',
    event_at DateTime64(3, 'UTC') COMMENT 'start of the call, UTC',
    tenant String COMMENT 'owner of the call',
    use_case String COMMENT 'feature that the prompt serves',
    input Nullable(String) COMMENT 'what the model was given; null when not captured',
    output Nullable(String) COMMENT 'what the model answered; null when not captured',
    vars Map(String, String) COMMENT 'values of the template variables'
)
AS SELECT
    call_id,
    started_at AS event_at,
    tenant,
    use_case,
    input,
    output,
    vars
FROM plumbline_raw.call_payloads FINAL
COMMENT 'Texts of calls, 30 days; apart from calls_v1 so that access to numbers is not access to texts';

CREATE VIEW IF NOT EXISTS plumbline.scores_v1
(
    call_id String COMMENT 'call that was judged',
    event_at DateTime64(3, 'UTC') COMMENT 'start of the call, UTC',
    tenant String COMMENT 'owner of the call',
    env String COMMENT 'deployment environment',
    use_case String COMMENT 'feature that the prompt serves',
    prompt_version String COMMENT 'version; empty when untagged',
    model String COMMENT 'model that answered the user',
    conversation_id String COMMENT 'unit of statistics',
    criterion String COMMENT 'what was judged',
    is_guardrail Bool COMMENT 'the criterion may trigger a rollback',
    rubric_hash String COMMENT 'rubric; a changed rubric starts a new series',
    judge String COMMENT 'who judged',
    state String COMMENT 'scored, cannot_judge, failed, expired or over_budget',
    is_pass Nullable(Bool) COMMENT 'null unless scored',
    score Nullable(Float64) COMMENT 'in [0,1]; null unless scored, which is not zero',
    explanation String COMMENT 'of the judge, or why there is no score',
    failure_type Nullable(String) COMMENT 'null when none was named',
    slices Array(String) COMMENT 'names of the input predicates that held for the call',
    sample_weight Float64 COMMENT 'inverse of the probability of being selected',
    judge_cost_usd Nullable(Decimal(18, 9)) COMMENT 'US dollars; null when unknown',
    judged_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT
    call_id,
    started_at AS event_at,
    tenant,
    env,
    use_case,
    prompt_version,
    model,
    conversation_id,
    criterion,
    is_guardrail,
    rubric_hash,
    judge,
    state,
    label = 'pass' AS is_pass,
    score,
    reason AS explanation,
    failure_type,
    slices,
    if(sample_rate > 0, 1 / sample_rate, 1) AS sample_weight,
    cost_usd AS judge_cost_usd,
    judged_at
FROM plumbline_raw.verdicts FINAL
COMMENT 'One row per call, criterion, rubric and judge, with or without a score';

CREATE VIEW IF NOT EXISTS plumbline.incidents_v1
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
COMMENT 'One row per incident';

CREATE VIEW IF NOT EXISTS plumbline.feedback_v1
(
    feedback_id String COMMENT 'identifies the feedback',
    given_at DateTime64(3, 'UTC') COMMENT 'when it was given, UTC',
    tenant String COMMENT 'owner of the call',
    use_case String COMMENT 'feature that the prompt serves',
    call_id String COMMENT 'call that it is about',
    kind String COMMENT 'thumb, label or correction',
    value Float64 COMMENT 'in [0,1]: 1 is good, 0 is bad',
    criterion String COMMENT 'criterion of a label; empty for other kinds',
    author String COMMENT 'hash or role of the person; empty when not reported'
)
AS SELECT
    feedback_id,
    given_at,
    tenant,
    use_case,
    call_id,
    kind,
    value,
    criterion,
    author
FROM plumbline_raw.feedback FINAL
COMMENT 'What people said about calls, without their comments';

CREATE VIEW IF NOT EXISTS plumbline.data_dictionary
(
    object String COMMENT 'name of the view',
    position UInt64 COMMENT 'place of the column, from 1',
    column String COMMENT 'name of the column',
    type String COMMENT 'ClickHouse type',
    description String COMMENT 'meaning; unit; what null or empty means'
)
AS SELECT
    table AS object,
    position,
    name AS column,
    type,
    comment AS description
FROM system.columns
WHERE database = 'plumbline'
COMMENT 'Every column of every public view, described';
