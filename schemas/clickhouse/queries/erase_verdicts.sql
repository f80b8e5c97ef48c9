-- Removes the judge's explanation, which may quote the text, and the fingerprint of the input. The score stays.
ALTER TABLE plumbline_raw.verdicts
    UPDATE
        conversation_id = concat('erased-', substring(lower(hex(SHA256(concat(tenant, char(0), 'conversation', char(0), conversation_id)))), 1, 16)),
        reason = 'erased',
        slices = arrayFilter(slice -> position(slice, '=') = 0 OR splitByChar('=', toString(slice))[1] IN ('lang', 'input_length', 'model'), slices),
        input_fingerprint = ''
    WHERE tenant = {tenant:String} AND call_id IN arrayMap(id -> toString(id), {call_ids:Array(UUID)}) AND reason != 'erased'
    SETTINGS mutations_sync = 2
