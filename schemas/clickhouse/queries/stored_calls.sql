-- Which of these calls are rows, at whatever offset?
SELECT DISTINCT toString(calls.call_id) AS call_id
FROM plumbline_raw.calls AS calls
WHERE calls.call_id IN {call_ids:Array(UUID)}
