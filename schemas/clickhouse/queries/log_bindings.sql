-- Which logs was this store filled from? Two writers may have noted the first one at the same time.
SELECT
    log_epoch,
    argMax(bindings.log_id, bindings.bound_at) AS log_id,
    max(bindings.bound_at) AS bound_at
FROM plumbline_raw.log_bindings AS bindings
GROUP BY log_epoch
ORDER BY log_epoch
