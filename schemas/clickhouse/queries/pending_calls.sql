-- Which sampled calls have no verdict yet on this criterion under this rubric? Oldest first.
-- Window: calls that started at or after since. A verdict in any state counts as one: a failed judgement is a
-- terminal state and is not tried again here.
-- Repeats of a call that the table has not collapsed yet are collapsed here: FINAL would read every call for the
-- few that were sampled.
-- Left out: the texts; call_texts.sql fetches them for the calls of one page.
SELECT
    toString(call_id) AS call_id,
    tenant,
    env,
    use_case,
    prompt_version,
    model,
    conversation_id,
    started_at,
    ingested_at,
    slices,
    sample_rate
FROM plumbline_raw.calls
PREWHERE is_sampled
WHERE started_at >= {since:DateTime64(3, 'UTC')}
  AND toString(call_id) NOT IN (
      SELECT lower(call_id)
      FROM plumbline_raw.verdicts
      WHERE criterion = {criterion:String}
        AND rubric_hash = {rubric_hash:String}
        AND started_at >= {since:DateTime64(3, 'UTC')}
  )
ORDER BY started_at, call_id
LIMIT 1 BY call_id
LIMIT {limit:UInt64}
