-- Where did the outputs of a version move, as far as that is still asserted, and how many of its calls were chosen
-- there since?
-- Window: assertions and calls at or after since, UTC. An incident that recovered or was dismissed after its newest
-- assertion is left out, and its calls are counted from the first assertion after it was last over.
-- slice is the slice of inputs in which they moved most, or '' when in no slice more than elsewhere.
WITH asserted AS (
    SELECT
        tenant,
        env,
        use_case,
        prompt_version,
        slice,
        min(since_at) AS first_at
    FROM (
        SELECT
            argMaxIf(tenant, log_offset, type = 'detected') AS tenant,
            argMaxIf(env, log_offset, type = 'detected') AS env,
            argMaxIf(use_case, log_offset, type = 'detected') AS use_case,
            argMaxIf(prompt_version, log_offset, type = 'detected') AS prompt_version,
            JSONExtractString(
                argMaxIf(event, log_offset, type = 'detected'), 'detection', 'evidence', 'slice'
            ) AS slice,
            toInt64(maxIf(log_offset, type IN ('recovered', 'dismissed'))) AS over_offset,
            countIf(type IN ('recovered', 'dismissed')) AS overs,
            groupArrayIf((toInt64(log_offset), at), type = 'detected') AS assertions,
            arrayFilter(each -> overs = 0 OR each.1 > over_offset, assertions) AS standing,
            arrayMin(arrayMap(each -> each.2, standing)) AS since_at
        FROM plumbline_raw.incidents
        WHERE incident_id IN (
              SELECT incident_id
              FROM plumbline_raw.incidents
              WHERE kind = 'output_drift'
                AND at >= {since:DateTime64(3, 'UTC')}
          )
        GROUP BY incident_id
        HAVING notEmpty(standing)
    )
    GROUP BY tenant, env, use_case, prompt_version, slice
)
SELECT
    asserted.tenant AS tenant,
    asserted.env AS env,
    asserted.use_case AS use_case,
    asserted.prompt_version AS prompt_version,
    asserted.slice AS slice,
    countIf(
        chosen.started_at >= asserted.first_at AND (asserted.slice = '' OR has(chosen.slices, asserted.slice))
    ) AS sampled
FROM asserted
LEFT JOIN (
    SELECT
        tenant,
        env,
        use_case,
        prompt_version,
        started_at,
        arrayMap(name -> toString(name), slices) AS slices
    FROM plumbline_raw.calls
    PREWHERE is_sampled
    WHERE started_at >= {since:DateTime64(3, 'UTC')}
      AND sample_rate > 0
      AND (tenant, use_case, prompt_version) IN (SELECT tenant, use_case, prompt_version FROM asserted)
) AS chosen
    ON chosen.tenant = asserted.tenant
   AND chosen.env = asserted.env
   AND chosen.use_case = asserted.use_case
   AND chosen.prompt_version = asserted.prompt_version
GROUP BY
    tenant,
    env,
    use_case,
    prompt_version,
    slice
ORDER BY
    tenant,
    env,
    use_case,
    prompt_version,
    slice
