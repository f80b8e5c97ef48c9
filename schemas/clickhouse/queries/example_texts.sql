-- What were the texts of these calls, to show them to people? Each cut at 1,000 characters.
-- Calls of one tenant and use case. Rows exist only where texts were captured, have not expired and were not erased.
SELECT
    toString(call_id) AS call_id,
    started_at,
    substringUTF8(input, 1, 1000) AS input,
    substringUTF8(output, 1, 1000) AS output
FROM plumbline_raw.call_payloads AS payloads FINAL
WHERE tenant = {tenant:String}
  AND use_case = {use_case:String}
  AND payloads.call_id IN {call_ids:Array(UUID)}
