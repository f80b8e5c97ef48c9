SELECT
    tenant,
    app,
    sum(delivery.emitted) AS emitted,
    sum(delivery.stored) AS stored,
    sum(delivery.unnumbered) AS unnumbered,
    sum(delivery.dropped) AS dropped,
    CAST(sumMap(delivery.dropped_by_reason), 'Map(String, UInt64)') AS dropped_by_reason,
    sum(delivery.rejected) AS rejected,
    sum(delivery.missing) AS missing,
    sum(delivery.duplicates) AS duplicates,
    sum(delivery.dead_letters) AS dead_letters
FROM plumbline.delivery_v1 AS delivery
WHERE hour >= toStartOfHour(toDateTime({since:DateTime64(3, 'UTC')}))
GROUP BY tenant, app
ORDER BY missing + dropped + rejected + dead_letters DESC, emitted DESC, tenant, app
LIMIT {limit:UInt32}
