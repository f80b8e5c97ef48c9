-- How did the calls of each version end, how long did they take, what did they cost, and who answered, hour by hour?
-- Window: half-open [start, end) of event time, UTC; the caller asks for whole hours. Repeats of a call count once.
-- use_cases with their tenants, place by place, are a page of use cases; empty for all of them.
-- elsewhere_calls were answered by anything but the primary path at once; of these, degraded_calls got less than a full
-- answer of it: a fallback model, a stale answer, a template or an error.
-- latency is pairs (bin, calls) on the grid of feature_hours. Costs are over priced calls above zero, in natural
-- logarithms of US dollars. cached_calls had at least half of their input read from the provider's cache, out of the
-- cacheable_calls that reported it. response_models is pairs (model, calls), empty when the provider did not say.
SELECT
    tenant,
    env,
    use_case,
    prompt_version,
    hour,
    sum(cell_calls) AS calls,
    sum(cell_ok) AS ok_calls,
    sum(cell_elsewhere) AS elsewhere_calls,
    sum(cell_degraded) AS degraded_calls,
    sum(cell_priced) AS priced_calls,
    sum(cell_cost) AS cost_usd_sum,
    sum(cell_log) AS log_cost_sum,
    sum(cell_log_square) AS log_cost_square_sum,
    sum(cell_cacheable) AS cacheable_calls,
    sum(cell_cached) AS cached_calls,
    groupArray((bin, cell_calls)) AS latency,
    groupArray((model, cell_calls)) AS response_models
FROM (
    SELECT
        tenant,
        env,
        use_case,
        prompt_version,
        toStartOfHour(started_at) AS hour,
        toString(response_model) AS model,
        if(latency_ms <= 0, 0, toUInt8(greatest(1, least(160, floor(log2(latency_ms) * 4) + 65)))) AS bin,
        count() AS cell_calls,
        countIf(status = 'ok') AS cell_ok,
        countIf(path != 'primary') AS cell_elsewhere,
        countIf(path IN ('fallback_model', 'stale', 'template', 'error')) AS cell_degraded,
        countIf(cost_usd > 0) AS cell_priced,
        ifNull(sumIf(toFloat64(cost_usd), cost_usd > 0), 0) AS cell_cost,
        ifNull(sumIf(log(toFloat64(cost_usd)), cost_usd > 0), 0) AS cell_log,
        ifNull(sumIf(pow(log(toFloat64(cost_usd)), 2), cost_usd > 0), 0) AS cell_log_square,
        countIf(cached_input_tokens IS NOT NULL AND input_tokens > 0) AS cell_cacheable,
        countIf(cached_input_tokens IS NOT NULL AND input_tokens > 0 AND cached_input_tokens * 2 >= input_tokens) AS cell_cached
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
    GROUP BY
        tenant,
        env,
        use_case,
        prompt_version,
        hour,
        model,
        bin
)
GROUP BY
    tenant,
    env,
    use_case,
    prompt_version,
    hour
ORDER BY
    hour,
    tenant,
    env,
    use_case,
    prompt_version
