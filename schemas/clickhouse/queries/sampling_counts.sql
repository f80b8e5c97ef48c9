-- How many calls of each version were chosen for judging, and how many were to be expected by their rates?
-- Window: half-open [start, end) of event time, UTC. Versions in the order of their first call.
-- A call that its own outcome chose has rate 0 and counts as one expected: it costs a judgement all the same.
-- Repeats that the table has not collapsed yet are counted: a few too many in a budget harm nothing, and FINAL over
-- four weeks would.
SELECT
    tenant,
    env,
    use_case,
    prompt_version,
    count() AS calls,
    countIf(is_sampled) AS sampled,
    sum(if(is_sampled AND sample_rate = 0, 1, sample_rate)) AS rate_sum
FROM plumbline_raw.calls
WHERE started_at >= {start:DateTime64(3, 'UTC')}
  AND started_at < {end:DateTime64(3, 'UTC')}
GROUP BY tenant, env, use_case, prompt_version
ORDER BY tenant, env, use_case, min(started_at), prompt_version
