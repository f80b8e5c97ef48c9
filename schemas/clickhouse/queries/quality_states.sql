-- Which states did versions reach since a moment?
-- Window: reached at or after since, UTC.
SELECT
    tenant,
    env,
    use_case,
    criterion,
    rubric_hash,
    judge,
    prompt_version,
    snapshot_id,
    state,
    at,
    units,
    log_m,
    log_threshold
FROM plumbline_raw.quality_states FINAL
WHERE at >= {since:DateTime64(3, 'UTC')}
ORDER BY tenant, env, use_case, criterion, at, prompt_version
