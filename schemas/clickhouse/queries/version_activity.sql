-- Which versions had calls that arrived since a moment, and when were the first and last of these started?
-- Window: calls that the log accepted at or after since, UTC. Untagged calls are the version with an empty name. Of one
-- use case the 500 versions with most calls; the others are one row, the version _overflow.
-- Repeats of a call count again: the times are what matters here, version_traffic.sql counts exactly.
SELECT
    tenant,
    env,
    use_case,
    if(place > 500, '_overflow', version) AS prompt_version,
    sum(version_calls) AS calls,
    sum(version_sampled) AS sampled,
    min(first_at) AS first_started_at,
    max(last_at) AS last_started_at,
    max(arrived_at) AS last_ingested_at
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY tenant, env, use_case ORDER BY version_calls DESC, version) AS place
    FROM (
        SELECT
            tenant,
            env,
            use_case,
            prompt_version AS version,
            count() AS version_calls,
            countIf(is_sampled) AS version_sampled,
            min(started_at) AS first_at,
            max(started_at) AS last_at,
            max(ingested_at) AS arrived_at
        FROM plumbline_raw.calls
        WHERE ingested_at >= {since:DateTime64(3, 'UTC')}
        GROUP BY tenant, env, use_case, version
    )
)
GROUP BY tenant, env, use_case, prompt_version
ORDER BY tenant, env, use_case, first_started_at, prompt_version
