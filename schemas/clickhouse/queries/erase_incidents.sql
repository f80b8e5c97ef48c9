-- Puts other texts in place of detections, each known by the hash of what it replaces.
ALTER TABLE plumbline_raw.incidents
    UPDATE
        event = arrayElement({after:Array(String)}, indexOf({before:Array(String)}, lower(hex(SHA256(event))))),
        metric = arrayElement({metrics:Array(String)}, indexOf({before:Array(String)}, lower(hex(SHA256(event)))))
    WHERE tenant = {tenant:String} AND lower(hex(SHA256(event))) IN {before:Array(String)}
    SETTINGS mutations_sync = 2
