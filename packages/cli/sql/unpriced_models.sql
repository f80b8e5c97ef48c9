SELECT
    unpriced.provider AS provider,
    unpriced.model AS model,
    unpriced.reason AS reason,
    sum(unpriced.calls) AS calls
FROM plumbline.unpriced_calls_v1 AS unpriced
WHERE day >= toDate({since:DateTime64(3, 'UTC')})
GROUP BY provider, model, reason
ORDER BY calls DESC, provider, model
LIMIT {limit:UInt32}
