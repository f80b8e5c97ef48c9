-- How many conversations were judged in each hour? To notice verdicts that came late.
-- Over: judged_units.sql
-- Window: that of judged_units.sql, whole hours.
SELECT
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version,
    toStartOfHour(judged_at) AS hour,
    count() AS units
FROM judged_units
GROUP BY
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version,
    hour
ORDER BY
    tenant,
    env,
    use_case,
    criterion,
    prompt_version,
    hour
