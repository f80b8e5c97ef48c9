-- Which use cases had calls lately and have none since a moment, and how many would have been usual in that time?
-- Window: half-open [start, end) of arrival in the log, UTC; silent means that nothing arrived at or after since.
-- Usual is what arrived in the same hours one week earlier; where a week of history is missing it is unknown, and
-- calls_of_last_day tells the size of the traffic. By a clock that was changed since, the same hours lie up to two hours
-- before or after: calls_around_a_week_before has those as well.
SELECT
    calls.tenant AS tenant,
    calls.env AS env,
    calls.use_case AS use_case,
    any(silent.first_at) AS first_at,
    any(silent.last_at) AS last_at,
    countIf(calls.ingested_at >= silent.last_at - INTERVAL 1 DAY) AS calls_of_last_day,
    countIf(
        calls.ingested_at > silent.last_at - INTERVAL 7 DAY
        AND calls.ingested_at < {end:DateTime64(3, 'UTC')} - INTERVAL 7 DAY
    ) AS calls_a_week_before,
    countIf(
        calls.ingested_at > silent.last_at - INTERVAL 7 DAY - INTERVAL 2 HOUR
        AND calls.ingested_at < {end:DateTime64(3, 'UTC')} - INTERVAL 7 DAY + INTERVAL 2 HOUR
    ) AS calls_around_a_week_before
FROM plumbline_raw.calls AS calls
INNER JOIN (
    SELECT
        tenant,
        env,
        use_case,
        min(ingested_at) AS first_at,
        max(ingested_at) AS last_at
    FROM plumbline_raw.calls
    WHERE ingested_at >= {start:DateTime64(3, 'UTC')}
      AND ingested_at < {end:DateTime64(3, 'UTC')}
    GROUP BY tenant, env, use_case
    HAVING last_at < {since:DateTime64(3, 'UTC')}
) AS silent
    ON silent.tenant = calls.tenant AND silent.env = calls.env AND silent.use_case = calls.use_case
WHERE calls.ingested_at >= {start:DateTime64(3, 'UTC')}
  AND calls.ingested_at < {end:DateTime64(3, 'UTC')}
GROUP BY calls.tenant, calls.env, calls.use_case
ORDER BY tenant, env, use_case
