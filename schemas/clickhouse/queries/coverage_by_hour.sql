-- Of the calls selected for judging in each hour, how many ended in which state?
-- Window: half-open [start, end) of event time, UTC; hours without a sampled call are left out.
-- Every judged call counts once, in the worst state among its criteria and judges (failed, over_budget, expired,
-- cannot_judge, scored), so that the states never add up to more than was sampled; what is missing to sampled
-- has no verdict yet.
-- Left out: verdicts on calls that were not sampled but got a thumb down.
SELECT
    tenant,
    env,
    use_case,
    hour,
    sum(is_call) AS sampled,
    sum(rank = 1) AS scored,
    sum(rank = 2) AS cannot_judge,
    sum(rank = 5) AS failed,
    sum(rank = 3) AS expired,
    sum(rank = 4) AS over_budget
FROM (
    SELECT
        tenant,
        env,
        use_case,
        toStartOfHour(started_at) AS hour,
        1 AS is_call,
        0 AS rank
    FROM plumbline_raw.calls FINAL
    WHERE is_sampled
      AND started_at >= {start:DateTime64(3, 'UTC')}
      AND started_at < {end:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT
        tenant,
        env,
        use_case,
        toStartOfHour(started_at) AS hour,
        0 AS is_call,
        max(indexOf(['scored', 'cannot_judge', 'expired', 'over_budget', 'failed'], state)) AS rank
    FROM plumbline_raw.verdicts FINAL
    WHERE started_at >= {start:DateTime64(3, 'UTC')}
      AND started_at < {end:DateTime64(3, 'UTC')}
      AND (
          sample_rate > 0
          OR toUUIDOrZero(call_id) IN (
              SELECT call_id
              FROM plumbline_raw.calls
              WHERE is_sampled
                AND sample_rate = 0
                AND started_at >= {start:DateTime64(3, 'UTC')}
                AND started_at < {end:DateTime64(3, 'UTC')}
          )
      )
    GROUP BY tenant, env, use_case, hour, call_id
)
GROUP BY tenant, env, use_case, hour
HAVING sampled > 0
ORDER BY tenant, env, use_case, hour
