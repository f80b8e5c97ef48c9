-- Which of these calls are rows, at whatever offset, and whose? An id is one tenant's: another may have the same one.
SELECT DISTINCT
    toString(calls.call_id) AS call_id,
    tenant
FROM plumbline_raw.calls AS calls
WHERE calls.call_id IN {call_ids:Array(UUID)}
