-- Is there a ledger of migrations at all? Asked first, because reading a missing table is an error.
SELECT count() AS tables
FROM system.tables
WHERE database = 'plumbline_raw'
  AND name = 'schema_migrations'
