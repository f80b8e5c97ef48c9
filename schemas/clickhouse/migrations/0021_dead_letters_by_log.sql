-- Offsets name a dead letter only together with its log: after the log was made anew, offset 7 is another record.

CREATE OR REPLACE VIEW plumbline.dead_letters_v1
(
    topic String COMMENT 'topic of the record that could not become a row',
    partition UInt16 COMMENT 'its partition',
    offset UInt64 COMMENT 'its offset there',
    tenant String COMMENT 'owner of the credential that sent the record',
    app String COMMENT 'application that the record names; empty when that can not be read',
    reason String COMMENT 'why, from a small set: not_json, schema:<field>, store:<code>, exception:<name>',
    detail String COMMENT 'why, in words',
    bytes UInt64 COMMENT 'size of the original record, bytes',
    first_seen DateTime64(3, 'UTC') COMMENT 'when the original record was first seen, UTC',
    dead_lettered_at DateTime64(3, 'UTC') COMMENT 'when it was set aside, UTC',
    is_redriven Bool COMMENT 'a person had it appended to its topic again; a record that fails again is a dead letter of its own',
    redriven_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was last redriven, UTC; null when it was not',
    redriven_by String COMMENT 'who redrove it last; empty when nobody did',
    emitter_id String COMMENT 'emitter that the record names; empty when that can not be read',
    sequence Nullable(UInt64) COMMENT 'number of the call within emitter_id; null when that can not be read',
    log_epoch UInt16 COMMENT 'number of the log that it stood in, among those that this store was filled from'
)
AS SELECT
    topic,
    partition,
    offset,
    anyIf(letters.tenant, type = 'dead_letter') AS tenant,
    anyIf(letters.app, type = 'dead_letter') AS app,
    anyIf(letters.reason, type = 'dead_letter') AS reason,
    anyIf(letters.detail, type = 'dead_letter') AS detail,
    anyIf(letters.bytes, type = 'dead_letter') AS bytes,
    anyIf(letters.first_seen, type = 'dead_letter') AS first_seen,
    minIf(ingested_at, type = 'dead_letter') AS dead_lettered_at,
    CAST(countIf(type = 'redriven') > 0, 'Bool') AS is_redriven,
    maxOrNullIf(ingested_at, type = 'redriven') AS redriven_at,
    argMaxIf(letters.redriven_by, ingested_at, type = 'redriven') AS redriven_by,
    anyIf(letters.emitter_id, type = 'dead_letter') AS emitter_id,
    anyIf(letters.sequence, type = 'dead_letter') AS sequence,
    log_epoch
FROM plumbline_raw.dead_letters AS letters FINAL
GROUP BY topic, partition, offset, log_epoch
HAVING countIf(type = 'dead_letter') > 0
COMMENT 'One row per record that could not become a row, for 90 days; the bytes are in the log, see plumbline dead-letters';
