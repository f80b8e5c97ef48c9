-- What did finished batches note about [from, to] of one partition of one log? Both ends are inclusive.
-- A batch that was finished twice counts as it was noted last.
SELECT
    from_offset AS from,
    to_offset AS to,
    argMax(audit.rows, written_at) AS rows
FROM plumbline_raw.ingest_audit AS audit
WHERE topic = {topic:String}
  AND log_epoch = {log_epoch:UInt16}
  AND log_partition = {log_partition:UInt16}
  AND to_offset >= {from:UInt64}
  AND from_offset <= {to:UInt64}
GROUP BY from_offset, to_offset
ORDER BY from_offset
