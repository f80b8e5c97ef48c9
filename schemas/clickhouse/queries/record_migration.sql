-- Notes that a migration has been applied. Two processes may both note it; equal rows collapse.
INSERT INTO plumbline_raw.schema_migrations (name, hash)
SELECT
    {name:String},
    {hash:String}
