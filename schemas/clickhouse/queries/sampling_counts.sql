-- How many calls of each version were chosen for judging, and how many were to be expected by their rates?
-- Window: half-open [start, end) of event time, UTC. Versions in the order of their first call. Of one use case the 500
-- versions with most calls; the others are one row, the version _overflow.
-- A call that its own outcome chose has rate 0 and counts as one expected: it costs a judgement all the same.
-- Repeats that the table has not collapsed yet are counted: a few too many in a budget harm nothing, and FINAL over
-- four weeks would.
SELECT
    tenant,
    env,
    use_case,
    if(place > 500, '_overflow', version) AS prompt_version,
    sum(version_calls) AS calls,
    sum(version_sampled) AS sampled,
    sum(version_rate_sum) AS rate_sum
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
            sum(if(is_sampled AND sample_rate = 0, 1, sample_rate)) AS version_rate_sum,
            min(started_at) AS first_at
        FROM plumbline_raw.calls
        WHERE started_at >= {start:DateTime64(3, 'UTC')}
          AND started_at < {end:DateTime64(3, 'UTC')}
        GROUP BY tenant, env, use_case, version
    )
)
GROUP BY tenant, env, use_case, prompt_version
ORDER BY tenant, env, use_case, min(first_at), prompt_version
