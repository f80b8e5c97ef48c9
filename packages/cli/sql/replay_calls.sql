-- What were these calls given, and what did they answer? A sample over the whole window [start, end) that is the same
-- each time it is asked for, of calls that answered and whose texts are stored, with their newest score on a criterion.
-- An empty env asks for all.
SELECT
    toString(calls.call_id) AS call_id,
    calls.event_at AS event_at,
    calls.prompt_version AS prompt_version,
    ifNull(texts.input, '') AS input,
    ifNull(texts.output, '') AS output,
    texts.vars AS vars,
    scores.stored_score AS stored_score,
    scores.stored_judge AS stored_judge
FROM (
    SELECT
        tenant,
        call_id,
        event_at,
        prompt_version
    FROM plumbline.calls_v1
    WHERE use_case = {use_case:String}
      AND ({env:String} = '' OR env = {env:String})
      AND event_at >= {start:DateTime64(3, 'UTC')}
      AND event_at < {end:DateTime64(3, 'UTC')}
      AND status = 'ok'
) AS calls
INNER JOIN (
    SELECT
        tenant,
        call_id,
        input,
        output,
        vars
    FROM plumbline.call_texts_v1
    WHERE use_case = {use_case:String}
      AND event_at >= {start:DateTime64(3, 'UTC')}
      AND event_at < {end:DateTime64(3, 'UTC')}
      AND ifNull(output, '') != ''
      AND (length(vars) > 0 OR ifNull(input, '') != '')
) AS texts ON calls.tenant = texts.tenant AND calls.call_id = texts.call_id
LEFT JOIN (
    SELECT
        tenant,
        toUUIDOrZero(call_id) AS id,
        CAST(argMax(score, judged_at), 'Nullable(Float64)') AS stored_score,
        CAST(argMax(judge, judged_at), 'Nullable(String)') AS stored_judge
    FROM plumbline.scores_v1
    WHERE use_case = {use_case:String}
      AND event_at >= {start:DateTime64(3, 'UTC')}
      AND event_at < {end:DateTime64(3, 'UTC')}
      AND criterion = {criterion:String}
      AND state = 'scored'
    GROUP BY tenant, id
) AS scores ON calls.tenant = scores.tenant AND calls.call_id = scores.id
WHERE NOT {is_scored:Bool} OR scores.stored_score IS NOT NULL
ORDER BY sipHash64(toString(calls.call_id)), calls.call_id
LIMIT {limit:UInt64}
