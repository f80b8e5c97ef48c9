-- Removes who wrote and in which words the application described it; the numbers of the call stay. Its conversation keeps a
-- name of its own, so that it stays one unit of the statistics.
ALTER TABLE plumbline_raw.calls
    UPDATE
        conversation_id = concat('erased-', substring(lower(hex(SHA256(concat(tenant, char(0), 'conversation', char(0), conversation_id)))), 1, 16)),
        user_hash = '',
        attributes = map(),
        slices = arrayFilter(slice -> position(slice, '=') = 0 OR splitByChar('=', toString(slice))[1] IN ('lang', 'input_length', 'model'), slices),
        has_payload = false
    WHERE tenant = {tenant:String} AND call_id IN {call_ids:Array(UUID)} AND NOT (user_hash = '' AND NOT has_payload AND length(mapKeys(attributes)) = 0 AND startsWith(conversation_id, 'erased-'))
    SETTINGS mutations_sync = 2
