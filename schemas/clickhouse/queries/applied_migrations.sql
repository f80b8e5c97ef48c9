-- Which migrations has this store seen?
-- Left out: when; a file that two processes applied at once is listed once.
SELECT
    name,
    hash
FROM plumbline_raw.schema_migrations
GROUP BY name, hash
ORDER BY name, hash
