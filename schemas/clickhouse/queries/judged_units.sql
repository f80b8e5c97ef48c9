-- Which conversations were judged in a window, how, and under which version?
-- Window: half-open [start, end) of the arrival of verdicts, UTC; use_cases with their tenants,
-- place by place, are a page of use cases; empty for all of them.
-- One unit is one conversation on one UTC day; its score is that of its first verdict, so that a later one never
-- changes evidence that was already counted.
-- Left out: verdicts without a score, calls that were judged more than 40 days after they started, and calls that
-- their own outcome or a person's thumb chose (sample_rate 0): they are not a sample of anything.
SELECT
    tenant,
    env,
    use_case,
    criterion,
    is_guardrail,
    nullIf(protects, '') AS protects,
    rubric_hash,
    judge,
    prompt_version,
    first.1 AS judged_at,
    first.2 AS call_id,
    first.3 AS score,
    first.4 AS slices,
    first.5 AS sample_rate,
    first.6 AS input_fingerprint
FROM (
    SELECT
        tenant,
        env,
        use_case,
        criterion,
        max(is_guardrail) AS is_guardrail,
        max(toString(protects)) AS protects,
        rubric_hash,
        judge,
        prompt_version,
        min((judged_at, call_id, assumeNotNull(score), slices, sample_rate, input_fingerprint)) AS first
    FROM plumbline_raw.verdicts
    WHERE judged_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 2 DAY
      AND judged_at < {end:DateTime64(3, 'UTC')}
      AND started_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 40 DAY
      AND state = 'scored'
      AND score IS NOT NULL
      AND sample_rate > 0
      AND (
          empty({use_cases:Array(String)})
          OR (tenant, use_case) IN (
              SELECT
                  asked.1,
                  asked.2
              FROM (
                  SELECT arrayJoin(arrayZip({tenants:Array(String)}, {use_cases:Array(String)})) AS asked
              )
          )
      )
    GROUP BY
        tenant,
        env,
        use_case,
        criterion,
        rubric_hash,
        judge,
        prompt_version,
        conversation_id,
        toDate(started_at)
)
WHERE first.1 >= {start:DateTime64(3, 'UTC')}
ORDER BY
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version,
    judged_at,
    call_id
