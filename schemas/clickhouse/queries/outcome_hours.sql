-- How did the calls of each version end, how long did they take, what did they cost, and who answered, hour by hour?
-- Window: half-open [start, end) of event time, UTC; the caller asks for whole hours. Repeats of a call count once.
-- use_cases with their tenants, place by place, are a page of use cases; empty for all of them.
-- elsewhere_calls were answered by neither the primary path at once nor the application's own cache, which answers what
-- the primary path answered before; of these, degraded_calls got less than a full answer of it: a fallback model, a stale
-- answer, a template or an error.
-- latency is pairs (bin, calls) on the grid of feature_hours. Costs are over priced calls above zero, in natural
-- logarithms of US dollars. cached_tokens is pairs (bin, calls) on the same grid of the input tokens that were read from the
-- provider's cache, bin -1 when that was not reported. response_models is pairs (model, calls), empty when the provider
-- did not say.
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
    groupArray((bin, cell_calls)) AS latency,
    groupArray((cached_bin, cell_calls)) AS cached_tokens,
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
        if(cached_input_tokens IS NULL, -1, if(cached_input_tokens = 0, 0, toInt16(greatest(1, least(160, floor(log2(cached_input_tokens) * 4) + 65))))) AS cached_bin,
        count() AS cell_calls,
        countIf(status = 'ok') AS cell_ok,
        countIf(path NOT IN ('primary', 'cached_exact', 'cached_semantic')) AS cell_elsewhere,
        countIf(path IN ('fallback_model', 'stale', 'template', 'error')) AS cell_degraded,
        countIf(cost_usd > 0) AS cell_priced,
        ifNull(sumIf(toFloat64(cost_usd), cost_usd > 0), 0) AS cell_cost,
        ifNull(sumIf(log(toFloat64(cost_usd)), cost_usd > 0), 0) AS cell_log,
        ifNull(sumIf(pow(log(toFloat64(cost_usd)), 2), cost_usd > 0), 0) AS cell_log_square
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
        bin,
        cached_bin
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
