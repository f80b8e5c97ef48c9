-- Which versions had calls that arrived since a moment, and when were the first and last of these started?
-- Window: calls that the log accepted at or after since, UTC. Untagged calls are the version with an empty name.
-- Repeats of a call count again: the times are what matters here, version_traffic.sql counts exactly.
SELECT
    tenant,
    env,
    use_case,
    prompt_version,
    count() AS calls,
    countIf(is_sampled) AS sampled,
    min(started_at) AS first_started_at,
    max(started_at) AS last_started_at,
    max(ingested_at) AS last_ingested_at
FROM plumbline_raw.calls
WHERE ingested_at >= {since:DateTime64(3, 'UTC')}
GROUP BY tenant, env, use_case, prompt_version
ORDER BY tenant, env, use_case, first_started_at, prompt_version
