-- Calls that their outcome or a thumb down chose are no sample of anything: they weigh nothing in estimates of analysts.

ALTER TABLE plumbline_raw.calls
    COMMENT COLUMN sample_rate 'probability in [0,1] with which the call was selected; weights are its inverse. 0 on a sampled call: its outcome chose it, and no estimate counts it';

ALTER TABLE plumbline_raw.verdicts
    COMMENT COLUMN sample_rate 'probability in [0,1] with which the call was selected; 0 when its outcome or a thumb down chose it, and no estimate counts it';

CREATE OR REPLACE VIEW plumbline.scores_v1
(
    call_id String COMMENT 'call that was judged',
    event_at DateTime64(3, 'UTC') COMMENT 'start of the call, UTC',
    tenant String COMMENT 'owner of the call',
    env String COMMENT 'deployment environment',
    use_case String COMMENT 'feature that the prompt serves',
    prompt_version String COMMENT 'version; empty when untagged',
    model String COMMENT 'model that answered the user',
    conversation_id String COMMENT 'unit of statistics',
    criterion String COMMENT 'what was judged',
    is_guardrail Bool COMMENT 'the criterion may trigger a rollback',
    rubric_hash String COMMENT 'rubric; a changed rubric starts a new series',
    judge String COMMENT 'who judged',
    state String COMMENT 'scored, cannot_judge, failed, expired or over_budget',
    is_pass Nullable(Bool) COMMENT 'null unless scored',
    score Nullable(Float64) COMMENT 'in [0,1]; null unless scored, which is not zero',
    explanation String COMMENT 'of the judge, or why there is no score',
    failure_type Nullable(String) COMMENT 'null when none was named',
    slices Array(String) COMMENT 'names of the input predicates that held for the call',
    sample_weight Float64 COMMENT 'inverse of the probability of being selected; 0 when the outcome or a thumb down chose the call, which is then in no estimate',
    judge_cost_usd Nullable(Decimal(18, 9)) COMMENT 'US dollars; null when unknown',
    judged_at DateTime64(3, 'UTC') COMMENT 'UTC'
)
AS SELECT
    call_id,
    started_at AS event_at,
    tenant,
    env,
    use_case,
    prompt_version,
    model,
    conversation_id,
    criterion,
    is_guardrail,
    rubric_hash,
    judge,
    state,
    label = 'pass' AS is_pass,
    score,
    reason AS explanation,
    failure_type,
    slices,
    if(sample_rate > 0, 1 / sample_rate, 0) AS sample_weight,
    cost_usd AS judge_cost_usd,
    judged_at
FROM plumbline_raw.verdicts FINAL
COMMENT 'One row per call, criterion, rubric and judge, with or without a score';
