-- How many calls of each version had which set of slices? The shares of traffic behind a mix decomposition.
-- Window: half-open [start, end) of event time, UTC.
-- Left out: of one version the rarest sets beyond 20,000; nobody's sets push out those of another tenant or version.
SELECT
    tenant,
    env,
    prompt_version,
    arraySort(slices) AS held,
    uniqExact(call_id) AS calls
FROM plumbline_raw.calls
WHERE use_case = {use_case:String}
  AND started_at >= {start:DateTime64(3, 'UTC')}
  AND started_at < {end:DateTime64(3, 'UTC')}
GROUP BY tenant, env, prompt_version, held
ORDER BY calls DESC, tenant, env, prompt_version, held
LIMIT 20000 BY tenant, env, prompt_version
