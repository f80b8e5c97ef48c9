-- Which log a row came from. Offsets identify rows only together with their log: after the log's folder was made anew, or
-- the cluster replaced, offset 7 is another record. Rows of before this migration are of epoch 0, the first log.

CREATE TABLE IF NOT EXISTS plumbline_raw.log_bindings
(
    log_epoch UInt16 COMMENT 'number of the log among those that this store was filled from, from 0',
    log_id String COMMENT 'identity of the log: the id of its folder, or of its Kafka cluster',
    bound_at DateTime64(3, 'UTC') COMMENT 'when its first writer started on this store, UTC'
)
ENGINE = ReplacingMergeTree(bound_at)
ORDER BY (log_epoch, log_id)
SETTINGS old_parts_lifetime = 480, non_replicated_deduplication_window = 0, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Which logs this store was filled from; the last one is the one that it belongs to';

ALTER TABLE plumbline_raw.calls ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another' AFTER dropped;
ALTER TABLE plumbline_raw.call_payloads ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another' AFTER vars;
ALTER TABLE plumbline_raw.verdicts ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another' AFTER input_fingerprint;
ALTER TABLE plumbline_raw.feedback ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another' AFTER given_at;

-- Here rows are told apart by their offsets, so the log is part of the sort key.
ALTER TABLE plumbline_raw.incidents ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another', MODIFY ORDER BY (incident_id, log_partition, log_offset, log_epoch);
ALTER TABLE plumbline_raw.registry_events ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another', MODIFY ORDER BY (use_case, env, log_partition, log_offset, log_epoch);
ALTER TABLE plumbline_raw.ingest_audit ADD COLUMN IF NOT EXISTS log_epoch UInt16 COMMENT 'number of the log that the record came from, by log_bindings; offsets of different logs have nothing to do with one another', MODIFY ORDER BY (topic, log_partition, from_offset, to_offset, log_epoch);
