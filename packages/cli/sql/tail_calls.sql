-- Which calls did the store receive from this place on? For following them as they come.
-- Place: ingested_at and call_id of the call that was read last; since is the same time or an earlier one, and is what
-- the table is searched by. Oldest first; is_newest_first asks for the last ones of the window instead.
-- An empty use_case, env or prompt_version asks for all; a prompt_version may be shortened. is_failed asks for calls
-- whose status is not ok.
SELECT
    toString(call_id) AS call_id,
    ingested_at AS at,
    event_at,
    env,
    app,
    use_case,
    prompt_version,
    model,
    path,
    status,
    error_type,
    latency_ms,
    input_tokens,
    output_tokens,
    CAST(cost_usd, 'Nullable(Float64)') AS cost_usd,
    conversation_id
FROM plumbline.calls_v1
WHERE ingested_at >= {since:DateTime64(3, 'UTC')}
  AND (ingested_at, toString(call_id)) > ({after:DateTime64(3, 'UTC')}, {after_id:String})
  AND ({use_case:String} = '' OR use_case = {use_case:String})
  AND ({env:String} = '' OR env = {env:String})
  AND ({prompt_version:String} = '' OR startsWith(prompt_version, {prompt_version:String}))
  AND (NOT {is_failed:Bool} OR status != 'ok')
ORDER BY
    if({is_newest_first:Bool}, -toUnixTimestamp64Milli(ingested_at), toUnixTimestamp64Milli(ingested_at)),
    call_id
LIMIT {limit:UInt64}
