-- Which model did the provider say that answered, since when and until when? Tells our change from theirs.
-- Window: half-open [start, end) of event time, UTC. Calls without that report are left out.
SELECT
    tenant,
    env,
    prompt_version,
    response_model,
    count() AS calls,
    min(started_at) AS first_started_at,
    max(started_at) AS last_started_at
FROM plumbline_raw.calls
WHERE use_case = {use_case:String}
  AND started_at >= {start:DateTime64(3, 'UTC')}
  AND started_at < {end:DateTime64(3, 'UTC')}
  AND response_model != ''
GROUP BY tenant, env, prompt_version, response_model
ORDER BY tenant, env, prompt_version, first_started_at, response_model
