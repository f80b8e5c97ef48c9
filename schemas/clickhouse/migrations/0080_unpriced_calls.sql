-- Which calls are in no sum of dollars, and why? Answers of the application's own cache and of a template asked no provider and
-- are left out, and so are failed requests that report no tokens.

CREATE VIEW IF NOT EXISTS plumbline.unpriced_calls_v1
(
    day Date COMMENT 'UTC',
    tenant String COMMENT 'owner of the calls',
    env String COMMENT 'deployment environment',
    app String COMMENT 'application that made the calls',
    use_case String COMMENT 'feature that the prompt serves',
    provider String COMMENT 'model provider; empty when not reported',
    model String COMMENT 'model asked for',
    response_model String COMMENT 'model that answered; empty when not reported',
    reason String COMMENT 'no_price: no price list has the model, or only one side of its tokens is known; no_tokens: none were reported',
    calls UInt64 COMMENT 'calls without a cost, which is not zero',
    input_tokens UInt64 COMMENT 'of the calls that report them',
    output_tokens UInt64 COMMENT 'of the calls that report them'
)
AS SELECT
    toDate(started_at) AS day,
    tenant,
    env,
    app,
    use_case,
    provider,
    model,
    response_model,
    if(calls.input_tokens IS NULL AND calls.output_tokens IS NULL AND NOT has(calls.flags, 'no_price'), 'no_tokens', 'no_price') AS reason,
    count() AS calls,
    ifNull(sum(calls.input_tokens), 0) AS input_tokens,
    ifNull(sum(calls.output_tokens), 0) AS output_tokens
FROM plumbline_raw.calls AS calls FINAL
WHERE cost_usd IS NULL
  AND path NOT IN ('cached_exact', 'cached_semantic', 'stale', 'template')
  AND (status = 'ok' OR calls.input_tokens IS NOT NULL OR calls.output_tokens IS NOT NULL)
GROUP BY day, tenant, env, app, use_case, provider, model, response_model, reason
COMMENT 'One row per day, application and model: the calls that have no cost, and why'
