-- Does the store hold everything that the log gave it, and nothing twice?
-- Of the log that the store belongs to now: offsets of another one say nothing about it.
-- Window: the newest 1,000,000 offsets of each partition, counted in offsets so that it doesn't depend on clocks;
-- older offsets were checked when they were new, and expire.
-- missing = offsets from the first stored to the last stored or finished - offsets stored - offsets that finished
-- batches account for otherwise (dead letters, repeats left out, offsets that the log itself used). The batch at the very start of the window is
-- counted generously. A repeat that escaped the writer and was collapsed later counts as missing; the writer drops
-- repeats over the last 50,000 offsets, so this takes a sender that repeats itself after hours.
-- rows counts physical rows: more rows than distinct calls means repeats that have not been collapsed yet.
WITH stored AS (
    SELECT
        calls.log_partition AS log_partition,
        count() AS rows,
        uniqExact(call_id) AS distinct_calls,
        uniqExact(log_offset) AS distinct_offsets,
        min(log_offset) AS min_offset,
        max(log_offset) AS max_offset
    FROM plumbline_raw.calls AS calls
    INNER JOIN (
        SELECT
            log_partition,
            max(log_offset) AS newest_offset
        FROM plumbline_raw.calls
        WHERE log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
        GROUP BY log_partition
    ) AS newest ON newest.log_partition = calls.log_partition
    WHERE log_offset + 1000000 > newest.newest_offset
      AND log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
    GROUP BY log_partition
)
SELECT
    stored.log_partition AS log_partition,
    any(stored.rows) AS rows,
    any(stored.distinct_calls) AS distinct_calls,
    any(stored.min_offset) AS min_offset,
    any(stored.max_offset) AS max_offset,
    greatest(
        toInt64(greatest(max_offset, maxIf(audit.to_offset, audit.to_offset >= stored.min_offset)))
        - toInt64(min_offset) + 1
        - toInt64(any(stored.distinct_offsets))
        - toInt64(sumIf(audit.accounted, audit.to_offset >= stored.min_offset)),
        0
    ) AS missing
FROM stored
LEFT JOIN (
    SELECT
        log_partition,
        to_offset,
        to_offset - from_offset + 1 - argMax(rows, written_at) AS accounted
    FROM plumbline_raw.ingest_audit
    WHERE topic = 'plumbline.calls'
      AND log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
    GROUP BY log_partition, from_offset, to_offset
) AS audit ON audit.log_partition = stored.log_partition
GROUP BY stored.log_partition
ORDER BY log_partition
