-- On how many of the frozen anchor items did the judge repeat its frozen verdict, day by day?
-- Window: half-open [start, end) of the time of judging, UTC. Reserved names: use case 'plumbline.anchors', criterion
-- '<use case>/<criterion>', call_id the anchor item's own id; score is 1 when the new label equals the frozen one.
-- An item counts once a day, by its last judgement. Left out: judgements without a score.
SELECT
    tenant,
    env,
    criterion,
    rubric_hash,
    judge,
    day,
    count() AS items,
    sum(item_score) AS agreements
FROM (
    SELECT
        tenant,
        env,
        criterion,
        rubric_hash,
        judge,
        toStartOfDay(judged_at) AS day,
        call_id,
        argMax(assumeNotNull(score), judged_at) AS item_score
    FROM plumbline_raw.verdicts
    WHERE use_case = 'plumbline.anchors'
      AND judged_at >= {start:DateTime64(3, 'UTC')}
      AND judged_at < {end:DateTime64(3, 'UTC')}
      AND state = 'scored'
      AND score IS NOT NULL
    GROUP BY
        tenant,
        env,
        criterion,
        rubric_hash,
        judge,
        day,
        call_id
)
GROUP BY
    tenant,
    env,
    criterion,
    rubric_hash,
    judge,
    day
ORDER BY
    day,
    tenant,
    env,
    criterion,
    rubric_hash,
    judge
