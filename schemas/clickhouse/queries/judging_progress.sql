-- Of the calls selected for judging, how many have which verdict by now, and how long does the oldest one wait?
-- Window: half-open [start, end) of arrival in the log, UTC; choose end so that what arrived before should be judged.
-- Every call counts once, in its worst state (failed, over_budget, expired, cannot_judge, scored); unjudged has none,
-- and excess counts verdicts about calls that were never selected: sampled is the sum of the states and unjudged.
-- commonest_cause is of the calls that ended without a score; empty when there is none, or none says why.
SELECT
    tenant,
    env,
    use_case,
    countIf(is_call) AS sampled,
    countIf(is_call AND rank = 1) AS scored,
    countIf(is_call AND rank = 2) AS cannot_judge,
    countIf(is_call AND rank = 3) AS expired,
    countIf(is_call AND rank = 4) AS over_budget,
    countIf(is_call AND rank = 5) AS failed,
    countIf(is_call AND rank = 0) AS unjudged,
    minOrNullIf(arrived_at, is_call AND rank = 0) AS oldest_unjudged_at,
    arrayElement(topKIf(1)(why, is_call AND rank > 1 AND why != ''), 1) AS commonest_cause
FROM (
    SELECT
        tenant,
        env,
        use_case,
        id,
        max(is_sampled_call) AS is_call,
        max(state_rank) AS rank,
        argMax(cause, state_rank) AS why,
        minIf(at, is_sampled_call) AS arrived_at
    FROM (
        SELECT
            tenant,
            env,
            use_case,
            toString(call_id) AS id,
            true AS is_sampled_call,
            0 AS state_rank,
            '' AS cause,
            ingested_at AS at
        FROM plumbline_raw.calls
        WHERE is_sampled
          AND ingested_at >= {start:DateTime64(3, 'UTC')}
          AND ingested_at < {end:DateTime64(3, 'UTC')}
        UNION ALL
        SELECT
            tenant,
            env,
            use_case,
            lower(call_id) AS id,
            false AS is_sampled_call,
            indexOf(['scored', 'cannot_judge', 'expired', 'over_budget', 'failed'], state) AS state_rank,
            cause,
            judged_at AS at
        FROM plumbline_raw.verdicts
        WHERE judged_at >= {start:DateTime64(3, 'UTC')}
    )
    GROUP BY tenant, env, use_case, id
)
GROUP BY tenant, env, use_case
HAVING sampled > 0
ORDER BY tenant, env, use_case
