-- How many people got an answer of a version to a kind of request?
-- Window: half-open [start, end) of event time, UTC; slices all hold for the request, empty for any request.
-- Calls whose user was not reported count for nobody: 0 may mean that none was.
SELECT uniqExact(user_hash) AS people
FROM plumbline_raw.calls
WHERE tenant = {tenant:String}
  AND use_case = {use_case:String}
  AND env = {env:String}
  AND prompt_version = {prompt_version:String}
  AND started_at >= {start:DateTime64(3, 'UTC')}
  AND started_at < {end:DateTime64(3, 'UTC')}
  AND hasAll(slices, {slices:Array(String)})
  AND user_hash != ''
