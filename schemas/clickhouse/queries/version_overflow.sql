-- Which applications send more prompt versions, or more use cases, than a day takes in, and with how many calls?
-- Window: half-open [start, end) of arrival in the log, UTC.
SELECT
    tenant,
    env,
    use_case,
    app,
    count() AS calls
FROM plumbline_raw.calls
WHERE ingested_at >= {start:DateTime64(3, 'UTC')}
  AND ingested_at < {end:DateTime64(3, 'UTC')}
  AND prompt_version = '_overflow'
GROUP BY tenant, env, use_case, app
ORDER BY tenant, env, use_case, calls DESC, app
LIMIT 10 BY tenant, env, use_case
