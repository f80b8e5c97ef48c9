-- Which table functions does this engine know? Asked by the read-only endpoint, which lets through a short list of
-- harmless ones and refuses every other, whatever a newer engine brings.
SELECT name
FROM system.table_functions
ORDER BY name
