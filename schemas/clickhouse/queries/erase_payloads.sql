-- Removes the texts of calls. The parts are rewritten before the statement ends; the old ones leave the disk within
-- old_parts_lifetime, eight minutes.
ALTER TABLE plumbline_raw.call_payloads
    DELETE WHERE tenant = {tenant:String} AND call_id IN {call_ids:Array(UUID)}
    SETTINGS mutations_sync = 2
