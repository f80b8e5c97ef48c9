-- How many calls did each version serve, how did they end, and what did they cost? No quality here.
-- Window: half-open [start, end) of event time, UTC. use_cases with their tenants, place by place,
-- are a page of use cases; empty for all of them. Untagged calls appear as the version with an empty name.
-- The 95th percentile comes from a t-digest (within about half a percent); the cost is the sum over priced
-- calls only, and null when none had a price.
SELECT
    tenant,
    env,
    use_case,
    prompt_version,
    count() AS calls,
    countIf(status = 'ok') AS ok_calls,
    quantileTDigest(0.95)(latency_ms) AS latency_ms_p95,
    toFloat64(sum(cost_usd)) AS cost_usd_sum,
    min(started_at) AS first_started_at,
    max(started_at) AS last_started_at
FROM plumbline_raw.calls FINAL
WHERE started_at >= {start:DateTime64(3, 'UTC')}
  AND started_at < {end:DateTime64(3, 'UTC')}
  AND (
      empty({use_cases:Array(String)})
      OR (tenant, use_case) IN (
          SELECT
              asked.1,
              asked.2
          FROM (
              SELECT arrayJoin(arrayZip({tenants:Array(String)}, {use_cases:Array(String)})) AS asked
          )
      )
  )
GROUP BY tenant, env, use_case, prompt_version
ORDER BY tenant, env, use_case, first_started_at, prompt_version
