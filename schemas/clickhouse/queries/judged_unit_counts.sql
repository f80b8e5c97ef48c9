-- How many conversations were judged in each hour? The count of judged_units.sql, to notice verdicts that came late.
-- Window: half-open [start, end) of the arrival of verdicts, UTC, whole hours.
-- Left out: as in judged_units.sql.
SELECT
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version,
    toStartOfHour(first_at) AS hour,
    count() AS units
FROM (
    SELECT
        tenant,
        env,
        use_case,
        criterion,
        rubric_hash,
        judge,
        prompt_version,
        min(judged_at) AS first_at
    FROM plumbline_raw.verdicts
    WHERE judged_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 2 DAY
      AND judged_at < {end:DateTime64(3, 'UTC')}
      AND started_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 40 DAY
      AND state = 'scored'
      AND score IS NOT NULL
    GROUP BY
        tenant,
        env,
        use_case,
        criterion,
        rubric_hash,
        judge,
        prompt_version,
        conversation_id,
        toDate(started_at)
)
WHERE first_at >= {start:DateTime64(3, 'UTC')}
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
