-- What were the texts of these calls? Rows exist only where texts were captured and have not expired.
-- An id is one tenant's: another may have the same one, so the tenant comes with the texts.
-- Window: [start, end] of event time, both inclusive: the first and last call of a page of pending calls.
SELECT
    tenant,
    toString(call_id) AS call_id,
    input,
    output
FROM plumbline_raw.call_payloads AS payloads FINAL
WHERE tenant IN {tenants:Array(String)}
  AND payloads.call_id IN {call_ids:Array(UUID)}
  AND started_at >= {start:DateTime64(3, 'UTC')}
  AND started_at <= {end:DateTime64(3, 'UTC')}
