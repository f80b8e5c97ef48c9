-- Removes what people wrote about calls, and who. What they thought of them, as a number, stays.
ALTER TABLE plumbline_raw.feedback
    UPDATE comment = NULL, author = ''
    WHERE tenant = {tenant:String} AND call_id IN arrayMap(id -> toString(id), {call_ids:Array(UUID)})
    SETTINGS mutations_sync = 2
