-- How much of their input do the versions of a prompt read from the cache of the provider? Answers of the application's own
-- cache and of a template reached no provider and are left out.

CREATE VIEW IF NOT EXISTS plumbline.prefix_cache_v1
(
    day Date COMMENT 'UTC',
    tenant String COMMENT 'owner of the calls',
    env String COMMENT 'deployment environment',
    use_case String COMMENT 'feature that the prompt serves',
    prompt_version String COMMENT 'version; empty when untagged',
    provider String COMMENT 'model provider; empty when not reported',
    model String COMMENT 'model asked for',
    calls UInt64 COMMENT 'calls that a provider was asked to answer',
    reported_calls UInt64 COMMENT 'of these, calls that say how much was read from the cache of the provider',
    cached_calls UInt64 COMMENT 'of these, calls that read anything from it',
    input_tokens UInt64 COMMENT 'of the calls that report it, the cached ones included',
    cached_input_tokens UInt64 COMMENT 'of these, read from the cache of the provider',
    cached_token_share Nullable(Float64) COMMENT 'cached_input_tokens over input_tokens; null when nothing was reported, which is not zero'
)
AS SELECT
    toDate(started_at) AS day,
    tenant,
    env,
    use_case,
    prompt_version,
    provider,
    model,
    count() AS calls,
    countIf(calls.cached_input_tokens IS NOT NULL AND calls.input_tokens IS NOT NULL) AS reported_calls,
    countIf(calls.cached_input_tokens > 0 AND calls.input_tokens IS NOT NULL) AS cached_calls,
    ifNull(sumIf(calls.input_tokens, calls.cached_input_tokens IS NOT NULL), 0) AS input_tokens,
    ifNull(sumIf(calls.cached_input_tokens, calls.input_tokens IS NOT NULL), 0) AS cached_input_tokens,
    if(input_tokens > 0, cached_input_tokens / input_tokens, NULL) AS cached_token_share
FROM plumbline_raw.calls AS calls FINAL
WHERE path NOT IN ('cached_exact', 'cached_semantic', 'stale', 'template')
GROUP BY day, tenant, env, use_case, prompt_version, provider, model
COMMENT 'One row per day, version and model: the share of input that the prefix caches of providers gave'
