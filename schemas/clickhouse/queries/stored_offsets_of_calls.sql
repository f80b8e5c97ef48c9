-- Which offsets of [from, to] of one partition of one log are stored completely: the row of the call and, where texts
-- were captured, the row of its texts? Both ends are inclusive.
-- Texts that have expired count as missing. That is harmless: only the newest batch of a partition is verified.
SELECT DISTINCT log_offset
FROM plumbline_raw.calls
WHERE log_epoch = {log_epoch:UInt16}
  AND log_partition = {log_partition:UInt16}
  AND log_offset >= {from:UInt64}
  AND log_offset <= {to:UInt64}
  AND (
      NOT has_payload
      OR log_offset IN (
          SELECT log_offset
          FROM plumbline_raw.call_payloads
          WHERE log_epoch = {log_epoch:UInt16}
            AND log_partition = {log_partition:UInt16}
            AND log_offset >= {from:UInt64}
            AND log_offset <= {to:UInt64}
      )
  )
