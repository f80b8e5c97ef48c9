-- The ledger of migrations and the tables that the writer fills from the topic plumbline.calls.
-- Every statement can be repeated: two processes may start at once, and a crash may stop between statements.
--
-- Deduplication windows are 0 on purpose: on tables without replication a crash leaves a token behind whose
-- rows were never written, and the retry is then dropped silently. Repeats are found by log offset instead.

CREATE DATABASE IF NOT EXISTS plumbline_raw COMMENT 'Plumbline, physical tables: may change at any time, read plumbline instead';

CREATE TABLE IF NOT EXISTS plumbline_raw.schema_migrations
(
    name String COMMENT 'file name of an applied migration',
    hash String COMMENT 'SHA-256 of the file when it was applied, hex; a different file under the same name is refused',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'when it was applied, UTC'
)
ENGINE = ReplacingMergeTree
ORDER BY (name, hash)
SETTINGS non_replicated_deduplication_window = 0, old_parts_lifetime = 480
COMMENT 'Which migrations this store has seen';

CREATE TABLE IF NOT EXISTS plumbline_raw.calls
(
    tenant LowCardinality(String) COMMENT 'owner of the credential that sent the call; never taken from the event',
    env LowCardinality(String) COMMENT 'deployment environment',
    app LowCardinality(String) COMMENT 'application that made the call',
    app_version LowCardinality(String) COMMENT 'version of that application; empty when not reported',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    prompt_version LowCardinality(String) COMMENT 'sha256:<64 hex> of the canonical prompt; empty when the call is untagged',
    prompt_source LowCardinality(String) COMMENT 'where the application got the prompt: live, cache, last_known_good, bundled, none',
    call_id UUID COMMENT 'UUIDv7 made once by the emitter; identifies the call. Its order is not the order of time',
    schema_version UInt16 COMMENT 'version of the event schema that the emitter spoke',
    started_at DateTime64(3, 'UTC') COMMENT 'when the application began the call, UTC; ingested_at when the report was implausible' CODEC(Delta(8), ZSTD(1)),
    clock_skew_ms Float64 COMMENT 'reported start minus acceptance, ms, when the report was implausible; else 0',
    conversation_id String COMMENT 'unit of statistics; the call_id when the call reported none' CODEC(ZSTD(1)),
    user_hash String COMMENT 'salted hash of the user; empty when not reported' CODEC(ZSTD(1)),
    trace_id String COMMENT 'OpenTelemetry trace id, hex; empty when not reported' CODEC(ZSTD(1)),
    span_id String COMMENT 'OpenTelemetry span id, hex; empty when not reported' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'model provider asked; empty when not reported',
    model LowCardinality(String) COMMENT 'model asked for',
    response_model LowCardinality(String) COMMENT 'model that the provider says answered; empty when not reported',
    path LowCardinality(String) COMMENT 'rung of the degradation tree that answered: primary, retry, fallback_model, cached_exact, cached_semantic, stale, template, error',
    status LowCardinality(String) COMMENT 'outcome for the user: ok, error, timeout, rate_limited, invalid_output, refused, cancelled; says nothing about quality',
    error_type LowCardinality(String) COMMENT 'class of the failure, such as http_529; empty when none',
    cache_kind LowCardinality(String) COMMENT 'cache that served: none, prefix, exact, semantic',
    latency_ms Float64 COMMENT 'whole call as the user waited for it, ms' CODEC(ZSTD(1)),
    ttft_ms Nullable(Float64) COMMENT 'time to first token, ms; null when not reported' CODEC(ZSTD(1)),
    input_tokens Nullable(UInt32) COMMENT 'input tokens including cached ones; null when not reported' CODEC(ZSTD(1)),
    cached_input_tokens Nullable(UInt32) COMMENT 'input tokens that the provider read from its cache; null when not reported' CODEC(ZSTD(1)),
    output_tokens Nullable(UInt32) COMMENT 'output tokens; null when not reported' CODEC(ZSTD(1)),
    cost_usd Nullable(Decimal(18, 9)) COMMENT 'price of the call, US dollars; null when the price of the model is unknown, which is not zero' CODEC(ZSTD(1)),
    attempts Array(Tuple(
        model LowCardinality(String),
        path LowCardinality(String),
        status LowCardinality(String),
        error_type LowCardinality(String),
        latency_ms Float64,
        input_tokens Nullable(UInt32),
        output_tokens Nullable(UInt32),
        cost_usd Nullable(Float64)
    )) COMMENT 'provider requests inside the call, in order; durations ms, money US dollars, null when not reported' CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) COMMENT 'free attributes of the application, at most 32' CODEC(ZSTD(1)),
    slices Array(LowCardinality(String)) COMMENT 'names of the input predicates that held',
    features Map(LowCardinality(String), Float64) COMMENT 'numbers that drift is measured on; the unit is part of the name' CODEC(ZSTD(1)),
    flags Array(LowCardinality(String)) COMMENT 'counted oddities of ingestion, such as clock_skew, unknown_fields',
    is_truncated Bool COMMENT 'the emitter shortened input, output or variables',
    is_sampled Bool COMMENT 'selected for judging',
    sample_rate Float64 COMMENT 'probability in [0,1] with which the call was selected; weights are its inverse',
    has_payload Bool COMMENT 'texts were captured, a row of call_payloads belongs to this one',
    emitter_id String COMMENT 'one life of one emitter; empty when not reported' CODEC(ZSTD(1)),
    sequence Nullable(UInt64) COMMENT 'number of the call within emitter_id, from 0, gap-free; null when not reported' CODEC(ZSTD(1)),
    dropped UInt64 COMMENT 'calls that this emitter had dropped so far' CODEC(ZSTD(1)),
    log_partition UInt16 COMMENT 'partition of the log that the record came from',
    log_offset UInt64 COMMENT 'offset of the record in that partition; delivery is verified by it' CODEC(Delta(8), ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the record, UTC' CODEC(Delta(8), ZSTD(1)),
    INDEX call_id_bloom call_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX log_offset_range log_offset TYPE minmax GRANULARITY 1,
    INDEX ingested_at_range ingested_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(started_at)
ORDER BY (tenant, use_case, prompt_version, toStartOfHour(started_at), call_id)
TTL toDateTime(started_at) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'One row per user request; repeats of a call collapse in the background, so read plumbline.calls_v1';

-- Texts lie apart: they expire by dropping whole days, scans of calls stay narrow, and one table holds all
-- that a person may ask to have deleted.
CREATE TABLE IF NOT EXISTS plumbline_raw.call_payloads
(
    tenant LowCardinality(String) COMMENT 'owner of the credential that sent the call',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    call_id UUID COMMENT 'call that the texts belong to',
    started_at DateTime64(3, 'UTC') COMMENT 'of the call, UTC' CODEC(Delta(8), ZSTD(1)),
    input Nullable(String) COMMENT 'what the model was given; null when not captured' CODEC(ZSTD(1)),
    output Nullable(String) COMMENT 'what the model answered; null when not captured' CODEC(ZSTD(1)),
    vars Map(String, String) COMMENT 'values of the template variables; empty when not captured' CODEC(ZSTD(1)),
    log_partition UInt16 COMMENT 'partition of the log that the record came from',
    log_offset UInt64 COMMENT 'offset of the record in that partition' CODEC(Delta(8), ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the log accepted the record, UTC' CODEC(Delta(8), ZSTD(1)),
    INDEX call_id_bloom call_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX log_offset_range log_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMMDD(started_at)
ORDER BY (tenant, use_case, toStartOfHour(started_at), call_id)
TTL toDateTime(started_at) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0, index_granularity_bytes = 67108864
COMMENT 'Texts of calls, kept 30 days';

CREATE TABLE IF NOT EXISTS plumbline_raw.ingest_audit
(
    topic LowCardinality(String) COMMENT 'topic of the log that the batch came from',
    log_partition UInt16 COMMENT 'its partition',
    from_offset UInt64 COMMENT 'first offset of the batch, inclusive',
    to_offset UInt64 COMMENT 'last offset of the batch, inclusive',
    rows UInt64 COMMENT 'rows that became rows of the store',
    duplicates UInt64 COMMENT 'records left out because their call had just been seen',
    dead_letters UInt64 COMMENT 'records sent to the dead-letter topic',
    recovered Bool COMMENT 'the batch was completed after a crash or a lost answer',
    written_at DateTime64(3, 'UTC') COMMENT 'when the batch was finished, UTC'
)
ENGINE = ReplacingMergeTree(written_at)
PARTITION BY toYYYYMM(written_at)
ORDER BY (topic, log_partition, from_offset, to_offset)
TTL toDateTime(written_at) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'One row per finished batch of the writer, for the scan for gaps';
