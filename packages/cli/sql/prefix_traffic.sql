-- How many calls did providers answer in the window [start, end), of how many did they say what their cache gave, and how
-- many were read from it? Answers of the application's own cache and of a template reached no provider.
SELECT
    count() AS calls,
    countIf(cached_input_tokens IS NOT NULL) AS reported_calls,
    countIf(cached_input_tokens > 0) AS cached_calls
FROM plumbline.calls_v1
WHERE use_case = {use_case:String}
  AND env = {env:String}
  AND event_at >= {start:DateTime64(3, 'UTC')}
  AND event_at < {end:DateTime64(3, 'UTC')}
  AND path NOT IN ('cached_exact', 'cached_semantic', 'stale', 'template')
