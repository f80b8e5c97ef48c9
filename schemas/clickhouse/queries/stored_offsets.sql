-- Which offsets of [from, to] of one partition of one log does a table already hold?
-- Both ends are inclusive: the range is a batch whose insert may or may not have happened.
SELECT DISTINCT log_offset
FROM plumbline_raw.{table:Identifier}
WHERE log_epoch = {log_epoch:UInt16}
  AND log_partition = {log_partition:UInt16}
  AND log_offset >= {from:UInt64}
  AND log_offset <= {to:UInt64}
