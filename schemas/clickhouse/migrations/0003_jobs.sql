-- The tables that the monitor fills. All can be recomputed from calls and verdicts; a recomputation replaces.

CREATE TABLE IF NOT EXISTS plumbline_raw.baseline_snapshots
(
    snapshot_id String COMMENT 'id of the frozen baseline; evidence names it',
    tenant LowCardinality(String) COMMENT 'owner of the calls',
    env LowCardinality(String) COMMENT 'deployment environment',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    criterion LowCardinality(String) COMMENT 'criterion that the baseline predicts',
    rubric_hash LowCardinality(String) COMMENT 'rubric behind the reference scores',
    judge LowCardinality(String) COMMENT 'judge behind the reference scores',
    prompt_version LowCardinality(String) COMMENT 'candidate that is watched against this baseline',
    incumbent_version LowCardinality(String) COMMENT 'version that the reference came from; empty when several',
    deployed_at DateTime64(3, 'UTC') COMMENT 'first call of the candidate, UTC: where the detector starts',
    reference_start DateTime64(3, 'UTC') COMMENT 'start of the reference window, inclusive, UTC',
    reference_end DateTime64(3, 'UTC') COMMENT 'end of the reference window, exclusive, UTC',
    units UInt64 COMMENT 'judged conversations in the reference',
    score_sum Float64 COMMENT 'sum of their scores',
    dispersion Float64 COMMENT 'how much more hourly counts vary than independent units would, 1 is none',
    tempering Float64 COMMENT 'power in (0,1] applied to evidence to make up for the dispersion',
    coefficients Array(Float64) COMMENT 'of the ridge baseline: intercept, then one per slice, in the order of streams',
    streams Array(String) COMMENT 'watched slices; the first is all traffic',
    stream_weights Array(Float64) COMMENT 'share of the alarm budget per stream, sums to 1',
    stream_margins Array(Float64) COMMENT 'drop in score that is still immaterial, per stream',
    stream_units Array(UInt64) COMMENT 'reference units per stream',
    misfits_expected Float64 COMMENT 'expected number of streams whose baseline errs by more than its margin',
    created_at DateTime64(3, 'UTC') COMMENT 'when the baseline was frozen, UTC'
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (tenant, use_case, env, criterion, prompt_version, snapshot_id)
SETTINGS old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Frozen baselines of the regression detector';

CREATE TABLE IF NOT EXISTS plumbline_raw.evidence_hourly
(
    snapshot_id String COMMENT 'baseline that the evidence is measured against',
    tenant LowCardinality(String) COMMENT 'owner of the calls',
    env LowCardinality(String) COMMENT 'deployment environment',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    criterion LowCardinality(String) COMMENT 'criterion that was judged',
    prompt_version LowCardinality(String) COMMENT 'candidate',
    stream LowCardinality(String) COMMENT 'slice, or all for all traffic',
    hour DateTime('UTC') COMMENT 'start of the hour of event time, UTC',
    units UInt64 COMMENT 'judged conversations of the hour in the stream',
    score_sum Float64 COMMENT 'sum of their scores',
    expected_sum Float64 COMMENT 'sum of what the baseline predicted for them',
    log_factors Array(Float64) COMMENT 'sum of log evidence per grid point of relative drops, nats; 0 is no evidence',
    computed_at DateTime64(3, 'UTC') COMMENT 'when the hour was computed, UTC; a later computation replaces'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(hour)
ORDER BY (tenant, use_case, snapshot_id, stream, hour)
TTL hour + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Evidence of the regression detector, whole hours, order-free within the hour';

CREATE TABLE IF NOT EXISTS plumbline_raw.drift_results
(
    tenant LowCardinality(String) COMMENT 'owner of the calls',
    env LowCardinality(String) COMMENT 'deployment environment',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    prompt_version LowCardinality(String) COMMENT 'version compared; empty when all versions',
    feature LowCardinality(String) COMMENT 'what was compared, such as input_chars or mentions_money',
    method LowCardinality(String) COMMENT 'statistic, such as psi or ks',
    reference_start DateTime64(3, 'UTC') COMMENT 'start of the reference window, inclusive, UTC',
    reference_end DateTime64(3, 'UTC') COMMENT 'end of the reference window, exclusive, UTC',
    window_start DateTime64(3, 'UTC') COMMENT 'start of the current window, inclusive, UTC',
    window_end DateTime64(3, 'UTC') COMMENT 'end of the current window, exclusive, UTC',
    reference_units UInt64 COMMENT 'units in the reference window',
    current_units UInt64 COMMENT 'units in the current window',
    value Nullable(Float64) COMMENT 'of the statistic; null when there was not enough data',
    threshold Nullable(Float64) COMMENT 'value at which the result counts as drift; null when there was not enough data',
    p_value Nullable(Float64) COMMENT 'probability of such a value without drift; null when the method has none',
    verdict LowCardinality(String) COMMENT 'drifted, stable or not_enough_data',
    bins String COMMENT 'frozen edges and both counts as JSON, for drawing and recomputing' CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') COMMENT 'when it was computed, UTC'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(window_end)
ORDER BY (tenant, use_case, env, prompt_version, feature, method, window_end)
TTL toDateTime(window_end) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Results of drift comparisons, one row per feature, method and window';

CREATE TABLE IF NOT EXISTS plumbline_raw.rollup_1h
(
    tenant LowCardinality(String) COMMENT 'owner of the calls',
    env LowCardinality(String) COMMENT 'deployment environment',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    prompt_version LowCardinality(String) COMMENT 'version; empty when untagged',
    model LowCardinality(String) COMMENT 'model asked for',
    path LowCardinality(String) COMMENT 'rung of the degradation tree that answered',
    bucket DateTime('UTC') COMMENT 'start of the hour of event time, UTC',
    calls UInt64 COMMENT 'calls, repeats collapsed',
    ok_calls UInt64 COMMENT 'calls with status ok',
    input_tokens UInt64 COMMENT 'sum over calls that reported it',
    cached_input_tokens UInt64 COMMENT 'sum over calls that reported it',
    output_tokens UInt64 COMMENT 'sum over calls that reported it',
    cost_usd Float64 COMMENT 'sum over priced calls, US dollars',
    priced_calls UInt64 COMMENT 'calls whose cost is known',
    latency_histogram Map(UInt16, UInt64) COMMENT 'calls per logarithmic bin of latency: bin = ceil(ln(max(ms, 1)) / ln(1.0408)), value of a bin = 1.0408^bin ms within 2 percent',
    ttft_histogram Map(UInt16, UInt64) COMMENT 'calls per bin of time to first token, same bins, over calls that reported it',
    output_tokens_histogram Map(UInt16, UInt64) COMMENT 'calls per bin of output tokens, same bins, over calls that reported them',
    computed_at DateTime64(3, 'UTC') COMMENT 'when the bucket was recomputed from calls, UTC; a later one replaces'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(bucket)
ORDER BY (tenant, use_case, env, prompt_version, model, path, bucket)
TTL bucket + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Hourly counts and histograms, recomputed from calls and never incremented, hence never adrift';

CREATE TABLE IF NOT EXISTS plumbline_raw.rollup_1m
(
    tenant LowCardinality(String) COMMENT 'owner of the calls',
    env LowCardinality(String) COMMENT 'deployment environment',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    prompt_version LowCardinality(String) COMMENT 'version; empty when untagged',
    model LowCardinality(String) COMMENT 'model asked for',
    bucket DateTime('UTC') COMMENT 'start of the minute of event time, UTC',
    calls UInt64 COMMENT 'calls, repeats collapsed',
    ok_calls UInt64 COMMENT 'calls with status ok',
    degraded_calls UInt64 COMMENT 'calls not answered by path primary',
    computed_at DateTime64(3, 'UTC') COMMENT 'when the bucket was recomputed from calls, UTC; a later one replaces'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMMDD(bucket)
ORDER BY (tenant, use_case, env, prompt_version, model, bucket)
TTL bucket + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'Counts per minute for alerts, kept 7 days';
