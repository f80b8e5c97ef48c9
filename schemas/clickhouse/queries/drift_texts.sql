-- What did users write on these days? A sample of captured inputs of one use case, the same one at every look.
-- days are midnights, UTC, in seconds since the epoch; start and end bound them. At most day_limit texts a day, those with the smallest hash of
-- their call id, cut at 4,000 characters. Days whose texts have expired or were not captured give no rows.
SELECT
    day,
    text_id,
    text
FROM (
    SELECT
        toStartOfDay(started_at) AS day,
        toString(call_id) AS text_id,
        substringUTF8(assumeNotNull(input), 1, 4000) AS text
    FROM plumbline_raw.call_payloads AS payloads FINAL
    WHERE tenant = {owner:String}
      AND use_case = {name:String}
      AND started_at >= {start:DateTime64(3, 'UTC')}
      AND started_at < {end:DateTime64(3, 'UTC')}
      AND has({days:Array(UInt32)}, toUnixTimestamp(toStartOfDay(started_at)))
      AND input IS NOT NULL
      AND input != ''
      AND payloads.call_id IN (
          SELECT call_id
          FROM plumbline_raw.calls
          WHERE tenant = {owner:String}
            AND use_case = {name:String}
            AND env = {environment:String}
            AND started_at >= {start:DateTime64(3, 'UTC')}
            AND started_at < {end:DateTime64(3, 'UTC')}
      )
    ORDER BY cityHash64(call_id)
    LIMIT {day_limit:UInt32} BY day
)
ORDER BY
    day,
    text_id
