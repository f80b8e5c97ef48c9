-- Which of two versions did each client serve since what is live was changed?
-- A client is a process of an application; calls that name no process are all of one client, their application.
-- Window: calls that began at or after since, UTC; counted are those at or after moved_at, by the clients' own clocks.
-- One row per client that called in the window; one that has not called since moved_at counts 0.
-- last_old_ms and first_new_ms are since the epoch, and 0 without such a call.
-- new_calls_after: calls of the new version later than the same client's last call of the old one.
SELECT
    app,
    emitter_id,
    toUInt32(countIf(is_later)) AS calls,
    toUInt32(countIf(is_later AND prompt_version = {old_version:String})) AS old_calls,
    toUInt32(countIf(is_later AND prompt_version = {new_version:String})) AS new_calls,
    toUInt32(countIf(is_later AND prompt_version = {new_version:String} AND event_at > last_old_at)) AS new_calls_after,
    argMaxIf(prompt_version, event_at, is_later) = {new_version:String} AS is_switched,
    toFloat64(toUnixTimestamp64Milli(maxIf(event_at, is_later AND prompt_version = {old_version:String}))) AS last_old_ms,
    toFloat64(toUnixTimestamp64Milli(minIf(event_at, is_later AND prompt_version = {new_version:String}))) AS first_new_ms
FROM
(
    SELECT
        app,
        emitter_id,
        prompt_version,
        event_at,
        event_at >= {moved_at:DateTime64(3, 'UTC')} AS is_later,
        maxIf(event_at, prompt_version = {old_version:String}) OVER (PARTITION BY app, emitter_id) AS last_old_at
    FROM plumbline.calls_v1
    WHERE use_case = {use_case:String}
      AND env = {env:String}
      AND event_at >= {since:DateTime64(3, 'UTC')}
)
GROUP BY
    app,
    emitter_id
ORDER BY
    app,
    emitter_id
