-- Which of these names of slices do other calls have as well?
SELECT DISTINCT
    toString(arrayJoin(slices)) AS name
FROM plumbline_raw.calls
WHERE tenant = {tenant:String}
  AND hasAny(slices, {names:Array(String)})
  AND call_id NOT IN {call_ids:Array(UUID)}
  AND name IN {names:Array(String)}
