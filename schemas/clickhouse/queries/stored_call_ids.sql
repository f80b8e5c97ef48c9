-- Which calls are stored of [from, to] of one partition of one log? Both ends are inclusive.
SELECT
    log_offset,
    tenant,
    toString(call_id) AS call_id
FROM plumbline_raw.calls
WHERE log_epoch = {log_epoch:UInt16}
  AND log_partition = {log_partition:UInt16}
  AND log_offset >= {from:UInt64}
  AND log_offset <= {to:UInt64}
ORDER BY log_offset
