-- How much of these calls lies where texts lie, and was not erased yet?
SELECT
    (SELECT count() FROM plumbline_raw.call_payloads WHERE tenant = {tenant:String} AND call_id IN {call_ids:Array(UUID)}) AS call_payloads,
    (SELECT count() FROM plumbline_raw.calls WHERE tenant = {tenant:String} AND call_id IN {call_ids:Array(UUID)} AND NOT (user_hash = '' AND NOT has_payload AND length(mapKeys(attributes)) = 0 AND startsWith(conversation_id, 'erased-'))) AS calls,
    (SELECT count() FROM plumbline_raw.verdicts WHERE tenant = {tenant:String} AND call_id IN arrayMap(id -> toString(id), {call_ids:Array(UUID)}) AND reason != 'erased') AS verdicts,
    (SELECT count() FROM plumbline_raw.feedback WHERE tenant = {tenant:String} AND call_id IN arrayMap(id -> toString(id), {call_ids:Array(UUID)}) AND (comment IS NOT NULL OR author != '')) AS feedback
