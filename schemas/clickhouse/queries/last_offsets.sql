-- How far does a table reach in each partition of one log?
SELECT
    log_partition,
    max(log_offset) AS last_offset
FROM plumbline_raw.{table:Identifier}
WHERE log_epoch = {log_epoch:UInt16}
GROUP BY log_partition
ORDER BY log_partition
