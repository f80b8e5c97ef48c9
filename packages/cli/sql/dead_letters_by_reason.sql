SELECT
    reason,
    count() AS letters,
    max(dead_lettered_at) AS newest_at
FROM plumbline.dead_letters_v1
WHERE dead_lettered_at >= {since:DateTime64(3, 'UTC')}
  AND NOT is_redriven
GROUP BY reason
ORDER BY letters DESC, reason
LIMIT 20
