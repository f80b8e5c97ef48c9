-- How good was each version on each criterion? Sums over judged units, so that intervals can be recomputed.
-- Window: half-open [start, end) of event time, UTC.
-- One unit is one conversation on one UTC day: the calls of a conversation resemble one another, and counting
-- each would make intervals too narrow. A unit's score is that of its smallest call_id, an arbitrary choice that
-- does not depend on when the judge came by.
-- Left out: verdicts without a score; "no score" is a matter of coverage and never a zero. And calls that their own
-- outcome or a person's thumb chose (sample_rate 0): they are not a sample of anything.
SELECT
    tenant,
    env,
    use_case,
    criterion,
    max(unit_is_guardrail) AS is_guardrail,
    rubric_hash,
    judge,
    prompt_version,
    count() AS units,
    sum(unit_score) AS score_sum,
    sum(unit_score * unit_score) AS score_square_sum,
    min(unit_first) AS first_started_at,
    max(unit_last) AS last_started_at
FROM (
    SELECT
        tenant,
        env,
        use_case,
        criterion,
        rubric_hash,
        judge,
        prompt_version,
        max(is_guardrail) AS unit_is_guardrail,
        argMin(assumeNotNull(score), call_id) AS unit_score,
        min(started_at) AS unit_first,
        max(started_at) AS unit_last
    FROM plumbline_raw.verdicts FINAL
    WHERE started_at >= {start:DateTime64(3, 'UTC')}
      AND started_at < {end:DateTime64(3, 'UTC')}
      AND state = 'scored'
      AND score IS NOT NULL
      AND sample_rate > 0
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
GROUP BY
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version
ORDER BY
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    first_started_at,
    prompt_version
