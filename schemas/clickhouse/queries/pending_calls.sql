-- Which calls that are to be judged have no verdict yet on this criterion under this rubric? Oldest first.
-- To be judged are calls that were sampled, and calls that got a thumb down since: the latter with sample_rate 0, since
-- no chance chose them and no estimate counts them; whatever the writer drew stays the random sample that it is.
-- Window: calls that started at or after since. A verdict in any state counts as one: a failed judgement is a
-- terminal state and is not tried again here.
-- Repeats of a call that the table has not collapsed yet are collapsed here: FINAL would read every call for the
-- few that were sampled.
-- Left out: the texts; call_texts.sql fetches them for the calls of one page. has_payload says whether there are any: the
-- two tables are filled by two inserts in no order, so a text that is not there may be on its way.
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
    rate AS sample_rate,
    has_payload
FROM (
    SELECT
        call_id,
        tenant,
        env,
        use_case,
        prompt_version,
        model,
        conversation_id,
        started_at,
        ingested_at,
        slices,
        sample_rate AS rate,
        has_payload
    FROM plumbline_raw.calls
    PREWHERE is_sampled
    WHERE started_at >= {since:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT
        call_id,
        tenant,
        env,
        use_case,
        prompt_version,
        model,
        conversation_id,
        started_at,
        ingested_at,
        slices,
        0 AS rate,
        has_payload
    FROM plumbline_raw.calls
    WHERE started_at >= {since:DateTime64(3, 'UTC')}
      AND NOT is_sampled
      AND call_id IN (
          SELECT toUUIDOrZero(call_id)
          FROM plumbline_raw.feedback
          WHERE kind = 'thumb'
            AND value < 0.5
            AND ingested_at >= {since:DateTime64(3, 'UTC')}
      )
      AND (tenant, call_id) IN (
          SELECT
              tenant,
              toUUIDOrZero(call_id)
          FROM plumbline_raw.feedback
          WHERE kind = 'thumb'
            AND value < 0.5
            AND ingested_at >= {since:DateTime64(3, 'UTC')}
      )
)
WHERE (tenant, toString(call_id)) NOT IN (
    SELECT
        tenant,
        lower(call_id)
    FROM plumbline_raw.verdicts
    WHERE criterion = {criterion:String}
      AND rubric_hash = {rubric_hash:String}
      AND started_at >= {since:DateTime64(3, 'UTC')}
)
ORDER BY started_at, call_id, rate DESC
LIMIT 1 BY tenant, call_id
LIMIT {limit:UInt64}
