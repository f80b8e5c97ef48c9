-- How do a judge's verdicts compare with the labels that people gave to the same calls, for every judge of a use case?
-- Window: half-open [start, end) of the time of labelling, UTC; verdicts of all calls judged in it give the totals.
-- A label is a person's newest one about a call and criterion, a pass from 0.5 on. A judged call counts once, by its
-- newest verdict. Left out: verdicts without a score, and calls that their own outcome chose (sample_rate 0).
SELECT
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    countIf(human IS NULL AND is_pass) AS unlabelled_pass,
    countIf(human IS NULL AND NOT is_pass) AS unlabelled_fail,
    countIf(human >= 0.5 AND is_pass) AS both_pass,
    countIf(human < 0.5 AND NOT is_pass) AS both_fail,
    countIf(human < 0.5 AND is_pass) AS judge_pass_human_fail,
    countIf(human >= 0.5 AND NOT is_pass) AS judge_fail_human_pass,
    countIf(last_score NOT IN (0, 1)) AS partial_scores,
    minOrNull(given_at) AS oldest_label_at
FROM (
    SELECT
        tenant,
        env,
        use_case,
        criterion,
        rubric_hash,
        judge,
        call_id,
        argMax(label = 'pass', (judged_at, log_offset)) AS is_pass,
        argMax(assumeNotNull(score), (judged_at, log_offset)) AS last_score
    FROM plumbline_raw.verdicts
    WHERE use_case = {use_case:String}
      AND judged_at >= {start:DateTime64(3, 'UTC')}
      AND judged_at < {end:DateTime64(3, 'UTC')}
      AND started_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 40 DAY
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
        call_id
) AS judged
LEFT JOIN (
    SELECT
        tenant,
        criterion,
        call_id,
        argMax(toNullable(value), (feedback.given_at, log_offset)) AS human,
        max(toNullable(feedback.given_at)) AS given_at
    FROM plumbline_raw.feedback AS feedback
    WHERE use_case = {use_case:String}
      AND kind = 'label'
      AND feedback.given_at >= {start:DateTime64(3, 'UTC')}
      AND feedback.given_at < {end:DateTime64(3, 'UTC')}
    GROUP BY
        tenant,
        criterion,
        call_id
) AS labels USING (tenant, criterion, call_id)
GROUP BY
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge
ORDER BY
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge
