-- After which values of attributes are slices named that only these calls have? Those of other calls too say nothing of one person.
SELECT DISTINCT
    toString(arrayJoin(slices)) AS name
FROM plumbline_raw.calls
WHERE tenant = {tenant:String}
  AND call_id IN {call_ids:Array(UUID)}
  AND position(name, '=') > 0
  AND splitByChar('=', name)[1] NOT IN ('lang', 'input_length', 'model')
ORDER BY name
