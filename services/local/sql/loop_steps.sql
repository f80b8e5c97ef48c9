-- When did a bad version begin to serve, when was that noticed, undone and over?
-- Window: everything that is stored. Times are of arrival in the log for calls and commands, ms since the epoch, UTC; of
-- incidents, when the event was made. 0: it is not stored. The log of local mode has one partition of calls.
-- switched_ms is the arrival of the first call with another version after the last one with the bad version; recovered_ms
-- the newest recovery of the incident.
SELECT
    (
        SELECT toFloat64(toUnixTimestamp64Milli(min(ingested_at)))
        FROM plumbline_raw.calls
        WHERE use_case = {use_case:String} AND prompt_version = {bad:String}
    ) AS began_ms,
    (
        SELECT toFloat64(toUnixTimestamp64Milli(min(at)))
        FROM plumbline_raw.incidents
        WHERE incident_id = {incident_id:String} AND type = 'detected'
    ) AS detected_ms,
    (
        SELECT toFloat64(toUnixTimestamp64Milli(max(ingested_at)))
        FROM plumbline_raw.registry_events
        WHERE use_case = {use_case:String} AND type = 'rolled_back' AND prompt_version = {bad:String}
    ) AS rolled_back_ms,
    (
        SELECT toFloat64(toUnixTimestamp64Milli(min(ingested_at)))
        FROM plumbline_raw.calls
        WHERE use_case = {use_case:String}
          AND prompt_version != {bad:String}
          AND log_offset > (
              SELECT max(log_offset)
              FROM plumbline_raw.calls
              WHERE use_case = {use_case:String} AND prompt_version = {bad:String}
          )
    ) AS switched_ms,
    (
        SELECT toFloat64(toUnixTimestamp64Milli(max(at)))
        FROM plumbline_raw.incidents
        WHERE incident_id = {incident_id:String} AND type = 'recovered'
    ) AS recovered_ms
