-- Which judged calls of a version failed a criterion, and what did another version answer to the same input?
-- Distinct inputs of one use case and env, the worst first; slices must all hold, and none asks for every input.
-- expected is the newest answer of the other version to the same text that nobody found failing; empty without one.
SELECT
    toString(failing.id) AS call_id,
    failing.slices AS slices,
    ifNull(texts.input, '') AS input,
    texts.vars AS vars,
    ifNull(answers.answer, '') AS expected
FROM (
    SELECT
        tenant,
        toUUIDOrZero(call_id) AS id,
        event_at,
        score,
        slices
    FROM plumbline.scores_v1
    WHERE use_case = {use_case:String}
      AND env = {env:String}
      AND prompt_version = {bad:String}
      AND criterion = {criterion:String}
      AND state = 'scored'
      AND is_pass = false
      AND hasAll(slices, {slices:Array(String)})
) AS failing
INNER JOIN (
    SELECT
        tenant,
        call_id,
        input,
        vars
    FROM plumbline.call_texts_v1
    WHERE use_case = {use_case:String}
      AND (length(vars) > 0 OR ifNull(input, '') != '')
) AS texts ON failing.tenant = texts.tenant AND failing.id = texts.call_id
LEFT JOIN (
    SELECT
        tenant,
        ifNull(input, '') AS input,
        argMax(output, event_at) AS answer
    FROM plumbline.call_texts_v1
    WHERE use_case = {use_case:String}
      AND ifNull(output, '') != ''
      AND (tenant, call_id) IN (
          SELECT
              tenant,
              call_id
          FROM plumbline.calls_v1
          WHERE use_case = {use_case:String} AND env = {env:String} AND prompt_version = {good:String} AND status = 'ok'
      )
      AND (tenant, call_id) NOT IN (
          SELECT
              tenant,
              toUUIDOrZero(call_id)
          FROM plumbline.scores_v1
          WHERE use_case = {use_case:String} AND criterion = {criterion:String} AND is_pass = false
      )
    GROUP BY
        tenant,
        input
) AS answers ON failing.tenant = answers.tenant AND ifNull(texts.input, '') = answers.input
ORDER BY
    failing.score,
    failing.event_at DESC,
    call_id
LIMIT 1 BY input, toString(vars)
LIMIT {limit:UInt64}
