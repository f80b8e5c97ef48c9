-- How many calls of a use case began in [start, end), and how many of them can be replayed? Only calls that answered,
-- and whose input and output are still stored, can. An empty env asks for all.
SELECT
    count() AS calls,
    countIf(status != 'ok') AS unanswered,
    countIf(
        status = 'ok'
        AND (tenant, call_id) NOT IN (
            SELECT
                tenant,
                call_id
            FROM plumbline.call_texts_v1
            WHERE use_case = {use_case:String}
              AND event_at >= {start:DateTime64(3, 'UTC')}
              AND event_at < {end:DateTime64(3, 'UTC')}
              AND ifNull(output, '') != ''
              AND (length(vars) > 0 OR ifNull(input, '') != '')
        )
    ) AS without_texts
FROM plumbline.calls_v1
WHERE use_case = {use_case:String}
  AND ({env:String} = '' OR env = {env:String})
  AND event_at >= {start:DateTime64(3, 'UTC')}
  AND event_at < {end:DateTime64(3, 'UTC')}
