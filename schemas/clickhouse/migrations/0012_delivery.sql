-- Delivery, counted: what emitters say they sent, what became of it, and which records could not become rows.

ALTER TABLE plumbline_raw.calls
    ADD COLUMN IF NOT EXISTS client_report Map(LowCardinality(String), UInt64) COMMENT 'cumulative counts of the emitter when it sent the call: emitted, acknowledged, rejected, dropped_<reason>; empty on calls that carried none' CODEC(ZSTD(1)) AFTER dropped;

CREATE TABLE IF NOT EXISTS plumbline_raw.dead_letters
(
    topic LowCardinality(String) COMMENT 'topic of the record that could not become a row; empty when the dead letter does not say',
    partition UInt16 COMMENT 'its partition',
    offset UInt64 COMMENT 'its offset there; topic, partition and offset name one dead letter, however often it was written',
    type LowCardinality(String) COMMENT 'dead_letter, or redriven when a person had it appended to its topic again',
    tenant LowCardinality(String) COMMENT 'owner of the credential that sent the record',
    app LowCardinality(String) COMMENT 'application that the record names; empty when that can not be read',
    emitter_id String COMMENT 'emitter that the record names; empty when that can not be read' CODEC(ZSTD(1)),
    sequence Nullable(UInt64) COMMENT 'number of the call within emitter_id; null when that can not be read' CODEC(ZSTD(1)),
    reason LowCardinality(String) COMMENT 'why, from a small set: not_json, schema:<field>, store:<code>',
    detail String COMMENT 'why, in words; never a value of the record' CODEC(ZSTD(1)),
    bytes UInt64 COMMENT 'size of the original record, bytes; the record itself is in the log',
    first_seen DateTime64(3, 'UTC') COMMENT 'when the log accepted the original record, UTC',
    redriven_by LowCardinality(String) COMMENT 'who redrove it; empty on dead_letter',
    log_partition UInt16 COMMENT 'partition of the dead-letter topic that the row came from',
    log_offset UInt64 COMMENT 'offset in that partition' CODEC(Delta(8), ZSTD(1)),
    ingested_at DateTime64(3, 'UTC') COMMENT 'when the dead letter, or the note that it was redriven, was written, UTC' CODEC(Delta(8), ZSTD(1)),
    INDEX log_offset_range log_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (topic, partition, offset, type)
TTL toDateTime(ingested_at) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, old_parts_lifetime = 480, non_replicated_deduplication_window = 0, auto_statistics_types = ''
COMMENT 'Records that could not become rows, without their bytes; read plumbline.dead_letters_v1';

CREATE OR REPLACE VIEW plumbline.dead_letters_v1
(
    topic String COMMENT 'topic of the record that could not become a row',
    partition UInt16 COMMENT 'its partition',
    offset UInt64 COMMENT 'its offset there',
    tenant String COMMENT 'owner of the credential that sent the record',
    app String COMMENT 'application that the record names; empty when that can not be read',
    reason String COMMENT 'why, from a small set: not_json, schema:<field>, store:<code>',
    detail String COMMENT 'why, in words',
    bytes UInt64 COMMENT 'size of the original record, bytes',
    first_seen DateTime64(3, 'UTC') COMMENT 'when the log accepted the original record, UTC',
    dead_lettered_at DateTime64(3, 'UTC') COMMENT 'when it was set aside, UTC',
    is_redriven Bool COMMENT 'a person had it appended to its topic again; a record that fails again is a dead letter of its own',
    redriven_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was last redriven, UTC; null when it was not',
    redriven_by String COMMENT 'who redrove it last; empty when nobody did',
    emitter_id String COMMENT 'emitter that the record names; empty when that can not be read',
    sequence Nullable(UInt64) COMMENT 'number of the call within emitter_id; null when that can not be read'
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
    anyIf(letters.sequence, type = 'dead_letter') AS sequence
FROM plumbline_raw.dead_letters AS letters FINAL
GROUP BY topic, partition, offset
HAVING countIf(type = 'dead_letter') > 0
COMMENT 'One row per record that could not become a row, for 90 days; the bytes are in the log, see plumbline dead-letters';

ALTER TABLE plumbline_raw.ingest_audit
    ADD COLUMN IF NOT EXISTS duplicates_by_app Array(Tuple(tenant LowCardinality(String), app LowCardinality(String), duplicates UInt64)) COMMENT 'the duplicates of calls by owner and application' AFTER duplicates;

-- Emitters number what they emit, without gaps, and report cumulative counts with it. Everything here is the growth of a
-- cumulative count within one hour of arrival, so hours add up to what the emitter counted.
--
-- missing is decided with hindsight: a number emitted before the last 15 minutes that is neither stored, dropped, rejected
-- nor a dead letter. Within one emitter it is the smallest shortfall of this and every later hour, so a call that arrives
-- late is taken off the hour in which it was missed. What an emitter of more than 7 days lacked before is not counted.
CREATE OR REPLACE VIEW plumbline.delivery_v1
(
    tenant String COMMENT 'owner of the credential that sent the calls',
    app String COMMENT 'application; an emitter that names several is counted under the one it names most, except in stored',
    hour DateTime('UTC') COMMENT 'start of the hour in which the log accepted what is counted, UTC; the last 7 days',
    emitters UInt64 COMMENT 'emitters, one per life of a process, of which calls arrived',
    emitted UInt64 COMMENT 'calls that emitters say the application made: by their numbers and by their reports',
    acknowledged UInt64 COMMENT 'calls of which emitters say that the receiver confirmed them; the last batch of a life is never in a report',
    stored UInt64 COMMENT 'calls in calls_v1, repeats counted once',
    unnumbered UInt64 COMMENT 'of stored: calls without emitter_id and sequence, as curl sends them; nothing is known about calls beside them',
    dropped UInt64 COMMENT 'calls that emitters gave up before they were sent',
    dropped_by_reason Map(String, UInt64) COMMENT 'the same by reason: queue_full, too_large, redacted, unreadable, not_json, shutdown; less than dropped where an emitter is too old to say',
    rejected UInt64 COMMENT 'calls that the collector refused for good, by the emitters'' count',
    missing UInt64 COMMENT 'calls emitted more than 15 minutes ago that are in none of the other columns',
    duplicates UInt64 COMMENT 'repeats of a call that were left out on arrival; not in stored',
    dead_letters UInt64 COMMENT 'records that could not become rows and were not redriven, by the hour they were set aside'
)
AS WITH
    toStartOfHour(now()) - INTERVAL 7 DAY AS since,
    now() - INTERVAL 15 MINUTE AS settled_at,
    numbered AS (
        SELECT
            tenant,
            emitter_id,
            app,
            assumeNotNull(sequence) AS number,
            dropped,
            client_report,
            length(mapKeys(client_report)) > 0 AS has_report,
            toStartOfHour(ingested_at) AS hour,
            ingested_at
        FROM plumbline_raw.calls FINAL
        WHERE ingested_at >= since
          AND started_at >= since - INTERVAL 40 DAY
          AND emitter_id != ''
          AND sequence IS NOT NULL
    ),
    -- One past the last number that is not on its way any more, by emitter.
    settled AS (
        SELECT
            tenant,
            emitter_id,
            max(greatest(number + 1, client_report['emitted'])) AS settled_end
        FROM numbered
        WHERE ingested_at < settled_at
        GROUP BY tenant, emitter_id
    ),
    by_hour AS (
        SELECT
            numbered.tenant AS tenant,
            numbered.emitter_id AS emitter_id,
            numbered.hour AS hour,
            topK(1)(app)[1] AS app_of_hour,
            count() AS calls,
            countIf(number < settled_end) AS calls_settled,
            any(settled_end) AS end_number,
            min(number) AS first_number,
            max(greatest(number + 1, client_report['emitted'])) AS emitted_abs,
            min(dropped) AS dropped_low,
            max(dropped) AS dropped_abs,
            maxIf(dropped, number < settled_end) AS dropped_settled,
            minOrNullIf(client_report['acknowledged'], has_report) AS acknowledged_low,
            max(client_report['acknowledged']) AS acknowledged_abs,
            minOrNullIf(client_report['rejected'], has_report) AS rejected_low,
            max(client_report['rejected']) AS rejected_abs,
            maxIf(client_report['rejected'], number < settled_end) AS rejected_settled,
            minMap(CAST(mapFilter((key, count) -> startsWith(key, 'dropped_'), client_report), 'Map(String, UInt64)')) AS reasons_low,
            maxMap(CAST(mapFilter((key, count) -> startsWith(key, 'dropped_'), client_report), 'Map(String, UInt64)')) AS reasons_abs
        FROM numbered
        LEFT JOIN settled ON settled.tenant = numbered.tenant AND settled.emitter_id = numbered.emitter_id
        GROUP BY tenant, emitter_id, hour
    ),
    letters_of_emitters AS (
        SELECT
            tenant,
            emitter_id,
            uniqExact(sequence) AS letters
        FROM plumbline.dead_letters_v1
        WHERE topic = 'plumbline.calls'
          AND NOT is_redriven
          AND emitter_id != ''
          AND sequence IS NOT NULL
        GROUP BY tenant, emitter_id
    )
SELECT
    tenant,
    app,
    hour,
    sum(emitters) AS emitters,
    sum(emitted) AS emitted,
    sum(acknowledged) AS acknowledged,
    sum(stored) AS stored,
    sum(unnumbered) AS unnumbered,
    sum(dropped) AS dropped,
    mapFilter((reason, count) -> count > 0, sumMap(reasons)) AS dropped_by_reason,
    sum(rejected) AS rejected,
    sum(missing) AS missing,
    sum(duplicates) AS duplicates,
    sum(dead_letters) AS dead_letters
FROM (
    SELECT
        tenant,
        app,
        hour,
        1 AS emitters,
        toUInt64(emitted_sum - lagInFrame(emitted_sum, 1, 0) OVER previous) AS emitted,
        toUInt64(acknowledged_sum - lagInFrame(acknowledged_sum, 1, 0) OVER previous) AS acknowledged,
        toUInt64(0) AS stored,
        toUInt64(0) AS unnumbered,
        toUInt64(dropped_sum - lagInFrame(dropped_sum, 1, 0) OVER previous) AS dropped,
        mapApply(
            (reason, count) -> (substring(reason, 9), toUInt64(count - greatest(reasons_start[reason], reasons_previous[reason]))),
            reasons_sum
        ) AS reasons,
        toUInt64(rejected_sum - lagInFrame(rejected_sum, 1, 0) OVER previous) AS rejected,
        toUInt64(missing_sum - lagInFrame(missing_sum, 1, 0) OVER previous) AS missing,
        toUInt64(0) AS duplicates,
        toUInt64(0) AS dead_letters
    FROM (
        SELECT
            *,
            lagInFrame(reasons_sum, 1) OVER previous AS reasons_previous,
            min(greatest(
                toInt64(least(emitted_abs_sum, end_number)) - toInt64(start_number)
                - calls_settled_sum - dropped_settled_sum - rejected_settled_sum - letters_sum,
                0
            )) OVER later AS missing_sum
        FROM (
            SELECT
                by_hour.tenant AS tenant,
                by_hour.emitter_id AS emitter_id,
                by_hour.hour AS hour,
                argMax(app_of_hour, calls) OVER life AS app,
                -- A life that began in the window is counted from its first call, an older one from the first that is left.
                UUIDv7ToDateTime(toUUIDOrZero(by_hour.emitter_id)) >= since OR min(first_number) OVER life = 0 AS is_whole,
                if(is_whole, 0, min(first_number) OVER life) AS start_number,
                if(is_whole, 0, min(dropped_low) OVER life) AS dropped_start,
                if(is_whole, 0, ifNull(min(acknowledged_low) OVER life, 0)) AS acknowledged_start,
                if(is_whole, 0, ifNull(min(rejected_low) OVER life, 0)) AS rejected_start,
                if(is_whole, map(), first_value(reasons_low) OVER upto) AS reasons_start,
                end_number,
                max(emitted_abs) OVER upto AS emitted_abs_sum,
                toInt64(emitted_abs_sum) - start_number AS emitted_sum,
                toInt64(max(acknowledged_abs) OVER upto) - acknowledged_start AS acknowledged_sum,
                toInt64(max(dropped_abs) OVER upto) - dropped_start AS dropped_sum,
                toInt64(max(rejected_abs) OVER upto) - rejected_start AS rejected_sum,
                maxMap(reasons_abs) OVER upto AS reasons_sum,
                toInt64(sum(calls_settled) OVER upto) AS calls_settled_sum,
                greatest(toInt64(max(dropped_settled) OVER upto) - dropped_start, 0) AS dropped_settled_sum,
                greatest(toInt64(max(rejected_settled) OVER upto) - rejected_start, 0) AS rejected_settled_sum,
                toInt64(ifNull(letters, 0)) AS letters_sum
            FROM by_hour
            LEFT JOIN letters_of_emitters AS letters_of
                ON letters_of.tenant = by_hour.tenant AND letters_of.emitter_id = by_hour.emitter_id
            WINDOW
                life AS (PARTITION BY by_hour.tenant, by_hour.emitter_id),
                upto AS (PARTITION BY by_hour.tenant, by_hour.emitter_id ORDER BY by_hour.hour)
        )
        WINDOW
            previous AS (PARTITION BY tenant, emitter_id ORDER BY hour ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
            later AS (PARTITION BY tenant, emitter_id ORDER BY hour ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    )
    WINDOW previous AS (PARTITION BY tenant, emitter_id ORDER BY hour ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)

    UNION ALL

    SELECT
        tenant,
        app,
        toStartOfHour(ingested_at) AS hour,
        0, 0, 0,
        count(),
        countIf(emitter_id = '' OR sequence IS NULL),
        0, CAST(map(), 'Map(String, UInt64)'), 0, 0, 0, 0
    FROM plumbline_raw.calls FINAL
    WHERE ingested_at >= since
      AND started_at >= since - INTERVAL 40 DAY
    GROUP BY tenant, app, hour

    UNION ALL

    SELECT
        repeats.tenant AS tenant,
        repeats.app AS app,
        toStartOfHour(written_at) AS hour,
        0, 0, 0, 0, 0, 0, CAST(map(), 'Map(String, UInt64)'), 0, 0,
        sum(repeats.duplicates),
        0
    FROM plumbline_raw.ingest_audit FINAL
    ARRAY JOIN duplicates_by_app AS repeats
    WHERE written_at >= since
    GROUP BY tenant, app, hour

    UNION ALL

    SELECT
        tenant,
        app,
        toStartOfHour(dead_lettered_at) AS hour,
        0, 0, 0, 0, 0, 0, CAST(map(), 'Map(String, UInt64)'), 0, 0, 0,
        count()
    FROM plumbline.dead_letters_v1
    WHERE topic = 'plumbline.calls'
      AND NOT is_redriven
      AND dead_lettered_at >= since
    GROUP BY tenant, app, hour
)
GROUP BY tenant, app, hour
COMMENT 'What became of the calls that applications made, by application and hour; docs/operate/delivery.md explains the columns'
;
