-- What the regression detector needs beyond 0003: whole baselines, evidence for clearance, and the state of versions.

ALTER TABLE plumbline_raw.baseline_snapshots
    ADD COLUMN IF NOT EXISTS snapshot String DEFAULT '' COMMENT 'whole baseline as JSON, all that is needed to recompute evidence' CODEC(ZSTD(1));

ALTER TABLE plumbline_raw.evidence_hourly
    ADD COLUMN IF NOT EXISTS clearance_factors Array(Float64) COMMENT 'sum of log evidence per grid point that a material drop is excluded, nats; 0 is no evidence';

ALTER TABLE plumbline_raw.evidence_hourly
    COMMENT COLUMN hour 'start of the hour in which the verdicts arrived, UTC';

ALTER TABLE plumbline_raw.verdicts
    ADD INDEX IF NOT EXISTS judged_at_range judged_at TYPE minmax GRANULARITY 1;

CREATE TABLE IF NOT EXISTS plumbline_raw.quality_states
(
    tenant LowCardinality(String) COMMENT 'owner of the calls',
    env LowCardinality(String) COMMENT 'deployment environment',
    use_case LowCardinality(String) COMMENT 'feature that the prompt serves',
    criterion LowCardinality(String) COMMENT 'criterion that was judged',
    rubric_hash LowCardinality(String) COMMENT 'rubric of the scores',
    judge LowCardinality(String) COMMENT 'judge of the scores',
    prompt_version LowCardinality(String) COMMENT 'version that was watched',
    snapshot_id String COMMENT 'baseline that it was watched against',
    state LowCardinality(String) COMMENT 'WATCHING, CLEARED or REGRESSED; there is no state for no difference',
    at DateTime64(3, 'UTC') COMMENT 'when the state was reached, UTC',
    units UInt64 COMMENT 'conversations judged since the start of the watch',
    log_m Float64 COMMENT 'evidence of a drop at that time, nats',
    log_threshold Float64 COMMENT 'evidence at which an alarm is raised, nats'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (tenant, use_case, env, criterion, prompt_version, snapshot_id, state)
SETTINGS old_parts_lifetime = 480, non_replicated_deduplication_window = 0
COMMENT 'What the regression detector said about each version, one row per state reached';
