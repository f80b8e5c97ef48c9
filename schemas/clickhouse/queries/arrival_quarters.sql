-- When did the calls of these use cases arrive, by quarters of an hour?
-- Window: half-open [start, end) of arrival in the log, UTC. Quarters are counted from 1970-01-01 00:00 UTC: every time
-- zone's clock is a whole number of them ahead of UTC. Without use cases: all of them.
SELECT
    tenant,
    env,
    use_case,
    groupArray((quarter, calls)) AS quarters
FROM (
    SELECT
        tenant,
        env,
        use_case,
        toUInt32(intDiv(toUnixTimestamp64Milli(ingested_at), 900000)) AS quarter,
        count() AS calls
    FROM plumbline_raw.calls
    WHERE ingested_at >= {start:DateTime64(3, 'UTC')}
      AND ingested_at < {end:DateTime64(3, 'UTC')}
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
    GROUP BY tenant, env, use_case, quarter
    ORDER BY quarter
)
GROUP BY tenant, env, use_case
ORDER BY tenant, env, use_case
