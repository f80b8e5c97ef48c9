-- What did users write, day by day? A sample of the captured inputs of one use case, the same one at every look.
-- Window: half-open [start, end) of event time, UTC. At most day_limit texts per tenant, env and day,
-- those with the smallest hash of their call id, cut at 2,000 characters. Days whose texts have expired or were not
-- captured give no rows.
SELECT
    tenant,
    env,
    day,
    text_id,
    text
FROM (
    SELECT
        payloads.tenant AS tenant,
        calls.env AS env,
        toStartOfDay(payloads.started_at) AS day,
        toString(payloads.call_id) AS text_id,
        substringUTF8(assumeNotNull(payloads.input), 1, 2000) AS text
    FROM plumbline_raw.call_payloads AS payloads FINAL
    INNER JOIN (
        SELECT
            tenant,
            env,
            call_id
        FROM plumbline_raw.calls
        WHERE use_case = {use_case:String}
          AND started_at >= {start:DateTime64(3, 'UTC')}
          AND started_at < {end:DateTime64(3, 'UTC')}
        GROUP BY tenant, env, call_id
    ) AS calls ON calls.tenant = payloads.tenant AND calls.call_id = payloads.call_id
    WHERE payloads.use_case = {use_case:String}
      AND payloads.started_at >= {start:DateTime64(3, 'UTC')}
      AND payloads.started_at < {end:DateTime64(3, 'UTC')}
      AND payloads.input IS NOT NULL
      AND payloads.input != ''
    ORDER BY cityHash64(payloads.call_id)
    LIMIT {day_limit:UInt32} BY tenant, env, day
)
ORDER BY
    tenant,
    env,
    day,
    text_id
