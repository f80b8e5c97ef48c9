-- The tables that the writer fills from the verdicts, feedback, incidents and registry topics.

CREATE TABLE IF NOT EXISTS plumbline_raw.verdicts
(
    tenant LowCardinality(String) COMMENT 'owner of the call',
    env LowCardinality(String) COMMENT 'deployment environment of the call',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    prompt_version LowCardinality(String) COMMENT 'sha256:<64 hex> of the canonical prompt; empty when the call is untagged',
    model LowCardinality(String) COMMENT 'model that was asked',
    call_id String COMMENT 'call that was judged' CODEC(ZSTD(1)),
    conversation_id String COMMENT 'unit of statistics that the call belongs to' CODEC(ZSTD(1)),
    started_at DateTime64(3, 'UTC') COMMENT 'of the call, UTC' CODEC(Delta(8), ZSTD(1)),
    criterion LowCardinality(String) COMMENT 'what was judged, such as faithfulness',
    is_guardrail Bool COMMENT 'a guardrail criterion may trigger a rollback, a signal criterion may not',
    rubric_hash LowCardinality(String) COMMENT 'sha256:<hex> of the rubric; a changed rubric starts a new series',
    judge LowCardinality(String) COMMENT 'who judged: a model id, or the name of a method without a model',
    state LowCardinality(String) COMMENT 'scored, cannot_judge, failed, expired or over_budget; only scored carries a score',
    label LowCardinality(Nullable(String)) COMMENT 'pass or fail; null unless scored',
    score Nullable(Float64) COMMENT 'in [0,1], higher is better; null unless scored, which is not zero' CODEC(ZSTD(1)),
    reason String COMMENT 'explanation of the judge, or why there is no score' CODEC(ZSTD(1)),
    failure_type LowCardinality(Nullable(String)) COMMENT 'omission, contradiction, invention, format or other; null when none was named',
    judged_at DateTime64(3, 'UTC') COMMENT 'when the judge answered, UTC' CODEC(Delta(8), ZSTD(1)),
    latency_ms Float64 COMMENT 'of the judgement, ms' CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 9)) COMMENT 'price of the judgement, US dollars; null when unknown' CODEC(ZSTD(1)),
    slices Array(LowCardinality(String)) COMMENT 'names of the input predicates that held for the call',
    sample_rate Float64 COMMENT 'probability in [0,1] with which the call was selected',
    log_partition UInt16 COMMENT 'partition of the log that the record came from',
    log_offset UInt64 COMMENT 'offset of the record in that partition' CODEC(Delta(8), ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the record, UTC' CODEC(Delta(8), ZSTD(1)),
    INDEX log_offset_range log_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(started_at)
ORDER BY (tenant, use_case, criterion, rubric_hash, prompt_version, toStartOfHour(started_at), call_id, judge)
TTL toDateTime(started_at) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'One row per call, criterion, rubric and judge; judging again replaces. Read plumbline.scores_v1';

CREATE TABLE IF NOT EXISTS plumbline_raw.feedback
(
    tenant LowCardinality(String) COMMENT 'owner of the credential that sent the feedback',
    feedback_id String COMMENT 'made by the sender; a repeat replaces' CODEC(ZSTD(1)),
    call_id String COMMENT 'call that the feedback is about' CODEC(ZSTD(1)),
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    kind LowCardinality(String) COMMENT 'thumb, label or correction',
    value Float64 COMMENT 'in [0,1]: 1 is good, 0 is bad',
    criterion LowCardinality(String) COMMENT 'criterion that a label judged; empty for other kinds',
    comment Nullable(String) COMMENT 'what the person wrote; null when nothing' CODEC(ZSTD(1)),
    author String COMMENT 'hash or role of the person; empty when not reported' CODEC(ZSTD(1)),
    given_at DateTime64(3, 'UTC') COMMENT 'when the feedback was given, UTC' CODEC(Delta(8), ZSTD(1)),
    log_partition UInt16 COMMENT 'partition of the log that the record came from',
    log_offset UInt64 COMMENT 'offset of the record in that partition' CODEC(Delta(8), ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the record, UTC' CODEC(Delta(8), ZSTD(1)),
    INDEX log_offset_range log_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(log_offset)
ORDER BY (tenant, use_case, feedback_id)
TTL toDateTime(given_at) + INTERVAL 13 MONTH
SETTINGS old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'What people said about calls';

CREATE TABLE IF NOT EXISTS plumbline_raw.incidents
(
    incident_id String COMMENT 'incident that the event belongs to',
    type LowCardinality(String) COMMENT 'what happened: detected, recovered, acknowledged, unacknowledged, snoozed, dismissed, delivered',
    at DateTime64(3, 'UTC') COMMENT 'when it happened, UTC',
    actor LowCardinality(String) COMMENT 'service or person that did it',
    tenant LowCardinality(String) COMMENT 'of the detection; empty on other events',
    env LowCardinality(String) COMMENT 'of the detection; empty on other events',
    use_case LowCardinality(String) COMMENT 'of the detection; empty on other events',
    kind LowCardinality(String) COMMENT 'of the detection, such as quality or input_drift; empty on other events',
    severity LowCardinality(String) COMMENT 'SEV1, SEV2 or SEV3 of the detection; empty on other events',
    metric LowCardinality(String) COMMENT 'criterion or measured quantity of the detection; empty on other events',
    prompt_version LowCardinality(String) COMMENT 'candidate of the detection; empty on other events',
    effect Nullable(Float64) COMMENT 'candidate minus incumbent in the unit of the metric; null on other events',
    event String COMMENT 'whole event as JSON, with every number needed to recompute the detection' CODEC(ZSTD(1)),
    log_partition UInt16 COMMENT 'partition of the log that the record came from',
    log_offset UInt64 COMMENT 'offset of the record in that partition; the order of events',
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the record, UTC'
)
ENGINE = ReplacingMergeTree
ORDER BY (incident_id, log_partition, log_offset)
SETTINGS old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Everything that happened to incidents, one row per event, kept for ever';

CREATE TABLE IF NOT EXISTS plumbline_raw.registry_events
(
    event_id String COMMENT 'id of the command',
    use_case LowCardinality(String) COMMENT 'feature that the command is about',
    env LowCardinality(String) COMMENT 'deployment environment that the command is about',
    type LowCardinality(String) COMMENT 'version_registered, promoted, rolled_back, quarantined, eval_recorded, approved or policy_set',
    expected_revision UInt64 COMMENT 'revision of the use case that the author saw; a stale one is rejected by every reader of the log',
    prompt_version LowCardinality(String) COMMENT 'version that the command is about; empty when none',
    actor String COMMENT 'who gave the command',
    reason String COMMENT 'why' CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'when, UTC',
    body String COMMENT 'what the type needs, as JSON' CODEC(ZSTD(1)),
    log_partition UInt16 COMMENT 'partition of the log that the record came from',
    log_offset UInt64 COMMENT 'offset of the record in that partition; the order of commands',
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the record, UTC'
)
ENGINE = ReplacingMergeTree
ORDER BY (use_case, env, log_partition, log_offset)
SETTINGS old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Commands to the registry, accepted or not: the history of every use case, kept for ever';
