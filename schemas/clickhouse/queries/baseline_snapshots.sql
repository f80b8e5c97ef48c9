-- Which baselines were frozen since a moment? The oldest of a version comes first: it is the one in force.
-- Window: frozen at or after since, UTC.
SELECT
    snapshot_id,
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version,
    incumbent_version,
    deployed_at,
    reference_start,
    reference_end,
    units,
    score_sum,
    snapshot,
    created_at
FROM plumbline_raw.baseline_snapshots FINAL
WHERE created_at >= {since:DateTime64(3, 'UTC')}
  AND snapshot != ''
ORDER BY tenant, env, use_case, criterion, created_at, snapshot_id
