-- Which runs of offsets of [from, to] of one partition of the calls topic are neither rows nor dead letters? Both ends
-- are inclusive. At most `limit` runs, the newest ones: they hold repeats that were left out, offsets that the log itself
-- used, and what was lost.
SELECT
    toUInt64(previous + 1) AS from_offset,
    toUInt64(log_offset - 1) AS to_offset
FROM (
    SELECT
        log_offset,
        lagInFrame(log_offset, 1, toInt64({from:UInt64}) - 1) OVER (
            ORDER BY log_offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ) AS previous
    FROM (
        SELECT toInt64(log_offset) AS log_offset
        FROM plumbline_raw.calls AS calls
        WHERE calls.log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
          AND calls.log_partition = {log_partition:UInt16}
          AND calls.log_offset >= {from:UInt64}
          AND calls.log_offset <= {to:UInt64}
        UNION DISTINCT
        SELECT toInt64(offset) AS log_offset
        FROM plumbline_raw.dead_letters
        WHERE topic = 'plumbline.calls'
          AND log_epoch = (SELECT max(log_epoch) FROM plumbline_raw.log_bindings)
          AND partition = {log_partition:UInt16}
          AND offset >= {from:UInt64}
          AND offset <= {to:UInt64}
        UNION DISTINCT
        SELECT toInt64({to:UInt64}) + 1 AS log_offset
    )
)
WHERE log_offset - previous > 1
ORDER BY from_offset DESC
LIMIT {limit:UInt32}
